import { defineConfig } from 'vitest/config'
import base from './vitest.config.ts'

/** Floods, large copies and other suites that take minutes: `npm run test:long`. */
export default defineConfig({
  resolve: base.resolve,
  test: {
    include: ['test/**/*.long.test.ts'],
    testTimeout: 300_000,
    hookTimeout: 60_000,
    fileParallelism: false,
  },
})
