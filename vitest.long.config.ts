import { defineConfig } from 'vitest/config'
import { oneGraphql } from './vitest.config.ts'

/** Floods, large copies and other suites that take minutes: `npm run test:long`. */
export default defineConfig({
  resolve: oneGraphql,
  test: {
    include: ['test/**/*.long.test.ts'],
    globalSetup: 'test/support/new-database.ts',
    reporters: process.env.CI ? ['default', 'json'] : ['default'],
    outputFile: { json: 'test-results/test-long.json' },
    expect: { poll: { timeout: 10_000 } },
    testTimeout: 300_000,
    hookTimeout: 60_000,
    fileParallelism: false,
  },
})
