/**
 * A process that runs test files of the copy of the project it stands in, as often as it is asked to. It is a process of
 * its own so that a mutant that never comes to an end can be ended with it.
 */
import { join } from 'node:path'
import process from 'node:process'
import type { ViteUserConfig } from 'vitest/config'
import { createVitest, type TestModule, type TestSpecification } from 'vitest/node'

export interface Question {
  /** The files that changed since the last question; paths below the project's root. */
  changed: string[]
  /** The test files to run, all of them if there are none. */
  testFiles: string[]
}

export interface Answer {
  /** The test files that failed, with the first test of each that did. */
  failed: { testFile: string; test: string }[]
  /** Milliseconds that each test file took. */
  took: Record<string, number>
}

const [config = '', mode] = process.argv.slice(2)
const { default: given } = (await import(join(process.cwd(), config))) as { default: ViteUserConfig }
const { projects = [{}], ...common } = given.test ?? {}
const own = {
  // Each file in modules that are loaded anew: what one reaches is its own, and a mutant is gone with its run.
  isolate: true,
  ...(mode === 'counting' && { setupFiles: ['scripts/mutants/begin-file.ts'] }),
}
const vitest = await createVitest(
  { config: false, watch: false, reporters: [{}], ...(mode === 'breaking' && { bail: 1, maxWorkers: 1 }) },
  {
    ...given,
    test: {
      ...common,
      projects: projects.map((project) => ({
        resolve: given.resolve ?? {},
        test: { ...common, ...(project as ViteUserConfig).test, ...own },
      })),
    },
  },
)
await vitest.standalone()
const specifications = await vitest.globTestSpecifications()

process.on('message', (question: Question) => void run(question).then((answer) => process.send?.(answer)))
process.send?.('ready')

async function run({ changed, testFiles }: Question): Promise<Answer> {
  for (const file of changed) vitest.invalidateFile(`${process.cwd()}/${file}`)
  // What failed last time would count against `bail`.
  vitest.state.filesMap.clear()
  vitest.state.idMap.clear()
  const { testModules, unhandledErrors } = await vitest.runTestSpecifications(
    testFiles.length === 0 ? specifications : testFiles.flatMap(specificationsOf),
  )
  const failed = testModules.filter((module) => !module.ok()).map(failureOf)
  if (unhandledErrors.length > 0) failed.push({ testFile: '', test: String(unhandledErrors[0]) })
  return {
    failed,
    took: Object.fromEntries(
      testModules.map((module) => [module.relativeModuleId, module.diagnostic().duration]),
    ),
  }
}

const specificationsOf = (testFile: string): TestSpecification[] =>
  specifications.filter(({ moduleId }) => moduleId.endsWith(`/${testFile}`))

function failureOf(module: TestModule): Answer['failed'][number] {
  const [test] = module.children.allTests('failed')
  return { testFile: module.relativeModuleId, test: test?.fullName ?? 'the file cannot be loaded' }
}
