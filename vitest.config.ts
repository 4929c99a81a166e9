import { createRequire } from 'node:module'
import { defineConfig } from 'vitest/config'

/** Tests load graphql as Node does; resolved by the bundler, it would be there twice and errors of one strange to the other. */
export const oneGraphql = {
  alias: [{ find: /^graphql$/, replacement: createRequire(import.meta.url).resolve('graphql') }],
}

export default defineConfig({
  resolve: oneGraphql,
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['test/**/*.long.test.ts'],
    // CI counts what ran: scripts/count-tests.ts.
    reporters: process.env.CI ? ['default', 'json'] : ['default'],
    outputFile: { json: 'test-results/test.json' },
    // Facts are waited for, however loaded the machine is.
    expect: { poll: { timeout: 10_000 } },
    // Much of the time is spent waiting for disks and processes.
    maxWorkers: 3,
    testTimeout: 30_000,
    hookTimeout: 30_000,
  },
})
