import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['test/**/*.long.test.ts'],
    // CI counts what ran: scripts/count-tests.ts.
    reporters: process.env.CI ? ['default', 'json'] : ['default'],
    outputFile: { json: 'test-results/test.json' },
    testTimeout: 30_000,
    hookTimeout: 30_000,
  },
})
