/** Breaks the code, one change at a time, and reports the changes that no test notices. */
import { spawnSync } from 'node:child_process'
import { glob, readFile, stat } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { join, relative, resolve } from 'node:path'
import process from 'node:process'
import { parseArgs } from 'node:util'
import { chance } from '../test/support/random.ts'
import { broken, mutantsOf, type Mutant } from './mutants/changes.ts'
import { Copy, ROOT } from './mutants/copy.ts'
import { describe, explainedMutants } from './mutants/explained.ts'
import { reachOf, type Reach } from './mutants/reach.ts'

const USAGE = `Usage: npm run test:mutants -- <folder | file>... [--last-change] [--sample N] [--seed S] [--long] [--jobs N] [--at-least PERCENT]

  --last-change       Break the files of src and console that the last commit changed.
  --sample N          Break only N of the places, at random (default: all).
  --seed S            The seed of that choice (default: a new one, which is printed).
  --long              Where the quick tests notice nothing, run the long ones too.
  --jobs N            How many changes to try side by side (default: one for each processor).
  --at-least PERCENT  Fail if a smaller share of the changes is noticed.`

type Verdict = { noticed: 'failed' | 'timed out'; by: string } | { noticed: undefined }

/** A test that takes this many times as long as it did, and this much more, does not come to an end. */
const PATIENCE = { times: 4, milliseconds: 30_000 }

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    sample: { type: 'string' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    'last-change': { type: 'boolean', default: false },
    long: { type: 'boolean', default: false },
    jobs: { type: 'string', default: String(availableParallelism()) },
    'at-least': { type: 'string', default: '0' },
  },
})
const places = values['last-change'] ? [...positionals, ...lastChange()] : positionals
if (places.length === 0 && !values['last-change']) {
  console.error(USAGE)
  process.exit(2)
}

const suites = ['vitest.config.ts', ...(values.long ? ['vitest.long.config.ts'] : [])]
const reaches = new Map<string, Reach>()
for (const config of suites) reaches.set(config, await reachOf(config))

const files = (await Promise.all(places.map(filesOf))).flat()
const texts = new Map<string, string>()
for (const file of files) texts.set(file, await readFile(join(ROOT, file), 'utf8'))
const textOf = ({ file }: Mutant) => texts.get(file) ?? ''
const explained = await explainedMutants()
const all = files.flatMap((file) => mutantsOf(file, texts.get(file) ?? ''))
const judged = all.filter((mutant) => !explained.has(describe(mutant, textOf(mutant))))
const dice = chance(Number(values.seed))
const chosen = judged
  .map((mutant) => ({ mutant, order: dice.below(2 ** 32) }))
  .sort((a, b) => a.order - b.order)
  .slice(0, Number(values.sample ?? judged.length))
  .map(({ mutant }) => mutant)
console.log(
  `${String(chosen.length)} of ${String(all.length)} changes in ${String(files.length)} files, seed ${values.seed}.`,
)

const verdicts = new Map<Mutant, Verdict>()
const queue = chosen.values()
await Promise.all(Array.from({ length: Number(values.jobs) }, work))
report()

async function work(): Promise<void> {
  await using copy = await Copy.make('breaking')
  for (const mutant of queue) {
    const verdict = await judge(copy, mutant)
    verdicts.set(mutant, verdict)
    const by = verdict.noticed ? `by ${verdict.by}` : ''
    console.log(
      `${String(verdicts.size)}/${String(chosen.length)} ${mutant.file}:${String(mutant.line)} ${verdict.noticed ?? 'survived'} ${by}`,
    )
  }
}

async function judge(copy: Copy, mutant: Mutant): Promise<Verdict> {
  const text = textOf(mutant)
  await copy.write(mutant.file, broken(text, mutant))
  try {
    for (const [config, reach] of reaches) {
      const verdict = await judgeBy(copy, config, reach, mutant)
      if (verdict.noticed) return verdict
    }
    return { noticed: undefined }
  } finally {
    await copy.write(mutant.file, text)
  }
}

/** Runs the tests that reach the mutant, the quickest first, and more of them at a time as long as none fails. */
async function judgeBy(copy: Copy, config: string, reach: Reach, mutant: Mutant): Promise<Verdict> {
  const took = (testFile: string) => Math.ceil(reach.took[testFile] ?? 0)
  const testFiles = (reach.testFiles[`${mutant.file} ${String(mutant.probe)}`] ?? []).toSorted(
    (a, b) => took(a) - took(b),
  )
  for (let from = 0, size = 1; from < testFiles.length; from += size, size *= 2) {
    const some = testFiles.slice(from, from + size)
    const limit = some.map(took).reduce((a, b) => a + b, 0) * PATIENCE.times + PATIENCE.milliseconds
    const answer = await copy.run(config, some, limit)
    if (answer === undefined) return { noticed: 'timed out', by: some.join(' ') }
    const [failure] = answer.failed
    if (failure) return { noticed: 'failed', by: `${failure.testFile}: ${failure.test}` }
  }
  return { noticed: undefined }
}

function lastChange(): string[] {
  const { stdout, status } = spawnSync(
    'git',
    [
      'diff-tree',
      '--root',
      '--no-commit-id',
      '--name-only',
      '--diff-filter=d',
      '-r',
      'HEAD',
      'src',
      'console',
    ],
    { cwd: ROOT, encoding: 'utf8' },
  )
  if (status !== 0) throw new Error('The last change is known only in a clone of the repository.')
  return stdout.split('\n').filter((file) => /\.tsx?$/.test(file) && !file.endsWith('.d.ts'))
}

async function filesOf(path: string): Promise<string[]> {
  const relativePath = relative(ROOT, resolve(path))
  if ((await stat(path)).isFile()) return [relativePath]
  const found: string[] = []
  for await (const file of glob(`${relativePath}/**/*.{ts,tsx}`, { cwd: ROOT }))
    if (!file.endsWith('.d.ts') && !file.includes('generated/')) found.push(file)
  return found.sort()
}

function report(): void {
  for (const [file, mutants] of Map.groupBy(verdicts.keys(), ({ file }) => file)) {
    const count = (noticed: Verdict['noticed']) =>
      mutants.filter((mutant) => verdicts.get(mutant)?.noticed === noticed).length
    console.log(
      `${file}: ${String(count('failed'))} noticed, ${String(count('timed out'))} timed out, ${String(count(undefined))} survived`,
    )
  }
  const survivors = chosen.filter((mutant) => verdicts.get(mutant)?.noticed === undefined)
  for (const mutant of survivors)
    console.log(`\nSurvived at line ${String(mutant.line)}: ${describe(mutant, textOf(mutant))}`)
  const share = chosen.length === 0 ? 100 : ((chosen.length - survivors.length) / chosen.length) * 100
  console.log(`${share.toFixed(1)} % of ${String(chosen.length)} changes were noticed (seed ${values.seed}).`)
  if (share < Number(values['at-least'])) process.exitCode = 1
}
