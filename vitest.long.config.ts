import { defineConfig } from 'vitest/config'
import { reporters } from './vitest.config.ts'

/** Floods, large copies and other suites that take minutes: `npm run test:long`. */
export default defineConfig({
  test: {
    include: ['test/**/*.long.test.ts'],
    reporters: reporters('test-long'),
    testTimeout: 300_000,
    hookTimeout: 60_000,
    fileParallelism: false,
  },
})
