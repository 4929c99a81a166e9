import { defineConfig } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'
import { oneGraphql } from './vitest.config.ts'

/** Files that load every core or judge how long others wait: each runs while nothing else does. */
const ALONE = [
  'test/bench.long.test.ts',
  'test/browser/console-quality.long.test.ts',
  'test/clouds/scale.long.test.ts',
  'test/database/postgresql/*.long.test.ts',
  'test/delivery/*.long.test.ts',
  'test/end-to-end/large-copy.long.test.ts',
  'test/hostile/*.long.test.ts',
  'test/reads/*.long.test.ts',
  'test/several/*.long.test.ts',
]

/** Files that take minutes: none of them begins when little else is left. */
const LONGEST = [
  'test/crash/kill-loop.long.test.ts',
  'test/packaging.long.test.ts',
  'test/server/one-answer.long.test.ts',
  'test/runner/lasting-faults.long.test.ts',
  'test/crash/disk-kill-loop.long.test.ts',
  'test/runner/scheduler.long.test.ts',
  'test/client/survival.long.test.ts',
  'test/server/keep-alive.long.test.ts',
  'test/clouds/faults.long.test.ts',
  'test/properties/queries.long.test.ts',
  'test/server/never-stale.long.test.ts',
]

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const isLongest = ({ moduleId }: TestSpecification) => LONGEST.some((file) => moduleId.endsWith(file))
    const sorted = await super.sort(files)
    return [...sorted.filter(isLongest), ...sorted.filter((file) => !isLongest(file))]
  }
}

/** Floods, large copies and other suites that take minutes: `npm run test:long`. */
export default defineConfig({
  resolve: oneGraphql,
  test: {
    globalSetup: 'test/support/new-database.ts',
    reporters: process.env.CI ? ['default', 'json'] : ['default'],
    outputFile: { json: 'test-results/test-long.json' },
    expect: { poll: { timeout: 10_000 } },
    testTimeout: 300_000,
    hookTimeout: 60_000,
    sequence: { sequencer: LongestFirst },
    projects: [
      {
        extends: true,
        test: {
          name: 'two at once',
          include: ['test/**/*.long.test.ts'],
          exclude: ALONE,
          // Much of their time they wait for processes, disks and pages.
          maxWorkers: 2,
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: { name: 'alone', include: ALONE, fileParallelism: false, sequence: { groupOrder: 1 } },
      },
    ],
  },
})
