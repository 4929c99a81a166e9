import { createRequire } from 'node:module'
import { defineConfig } from 'vitest/config'

/** Tests load graphql as Node does; resolved by the bundler, it would be there twice and errors of one strange to the other. */
export const oneGraphql = {
  alias: [{ find: /^graphql$/, replacement: createRequire(import.meta.url).resolve('graphql') }],
}

/** Files that migrate: the schema engine can be loaded only once in a process. */
const MIGRATING = [
  'test/database/sql.test.ts',
  'test/database/sqlite/*.test.ts',
  'test/database/postgresql/migrations.test.ts',
  'test/transitions/old-cursors.test.ts',
]
const LONG = 'test/**/*.long.test.ts'

export default defineConfig({
  resolve: oneGraphql,
  test: {
    globalSetup: 'test/support/new-database.ts',
    // CI counts what ran: scripts/count-tests.ts.
    reporters: process.env.CI ? ['default', 'json'] : ['default'],
    outputFile: { json: 'test-results/test.json' },
    // Facts are waited for, however loaded the machine is.
    expect: { poll: { timeout: 10_000 } },
    // Much of the time is spent waiting for disks and processes.
    maxWorkers: 3,
    testTimeout: 30_000,
    hookTimeout: 30_000,
    projects: [
      // Files that share a process load the gateway once, which saves a third of the CPU time.
      {
        extends: true,
        test: {
          name: 'shared',
          isolate: false,
          include: ['test/**/*.test.ts'],
          exclude: [LONG, ...MIGRATING],
        },
      },
      {
        extends: true,
        test: {
          name: 'alone',
          include: MIGRATING,
          exclude: [LONG],
        },
      },
    ],
  },
})
