import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { glob, mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import ts from 'typescript'
import { isBody, isProbed } from './changes.ts'
import { Copy, ROOT } from './copy.ts'

/** Which test files reach which code, and how long each takes, in milliseconds. */
export interface Reach {
  /** By `file probe`: see `Mutant.probe`. */
  testFiles: Record<string, string[]>
  took: Record<string, number>
}

const SOURCES = ['src/**/*.ts', 'console/**/*.{ts,tsx}']
const HOUR = 3_600_000

/** Runs all tests of a configuration once and counts, unless that was done for these very files before. */
export async function reachOf(config: string): Promise<Reach> {
  const kept = join(ROOT, '.cache/mutants', `${basename(config, '.ts')}-${await hashOfFiles()}.json`)
  if (existsSync(kept)) return JSON.parse(await readFile(kept, 'utf8')) as Reach
  console.log(`Running all tests of ${config} once, to see which code each of them reaches.`)
  await using copy = await Copy.make('counting')
  const counter = join(copy.directory, 'scripts/mutants/counter.ts')
  for (const file of await sources()) await copy.write(file, counted(file, await copy.read(file), counter))
  const answer = await copy.run(config, [], HOUR)
  if (answer === undefined) throw new Error(`The tests of ${config} took more than an hour.`)
  const failed = new Set(answer.failed.map(({ testFile }) => testFile))
  for (const { testFile, test } of answer.failed)
    console.warn(`Left out, as it fails by itself: ${testFile}: ${test}`)
  const reach = { testFiles: await readRecords(copy.directory, failed), took: answer.took }
  await mkdir(join(ROOT, '.cache/mutants'), { recursive: true })
  await writeFile(kept, JSON.stringify(reach))
  return reach
}

async function sources(): Promise<string[]> {
  const files: string[] = []
  for await (const file of glob(SOURCES, { cwd: ROOT }))
    if (!file.startsWith('src/generated/') && !file.endsWith('.d.ts')) files.push(file)
  return files.sort()
}

async function hashOfFiles(): Promise<string> {
  const hash = createHash('sha256')
  const tests: string[] = []
  for await (const file of glob(['test/**/*.ts', 'scripts/mutants/*.ts', 'prisma/**/*.{sql,prisma}'], {
    cwd: ROOT,
  }))
    tests.push(file)
  for (const file of [...(await sources()), ...tests.sort(), 'package-lock.json'])
    hash.update(file).update(await readFile(join(ROOT, file)))
  return hash.digest('hex').slice(0, 16)
}

/** The file's text with a counter before each piece of code that a `Mutant.probe` names. */
export function counted(file: string, text: string, counter: string): string {
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true)
  const inserted: { at: number; text: string }[] = []
  ts.forEachChild(source, visit)
  let result = `import { reached as __reached } from ${JSON.stringify(counter)};`
  let from = 0
  for (const { at, text: piece } of inserted.sort((a, b) => a.at - b.at)) {
    result += text.slice(from, at) + piece
    from = at
  }
  return result + text.slice(from)

  function visit(node: ts.Node): void {
    if (ts.isTypeNode(node)) return
    const start = node.getStart(source)
    const call = `__reached(${JSON.stringify(file)}, ${String(start)})`
    const [before, after] = !isProbed(node)
      ? ['', '']
      : ts.isExpression(node)
        ? [`(${call}, `, ')']
        : isBody(node)
          ? [`{${call};`, '}']
          : [`${call};`, '']
    inserted.push({ at: start, text: before })
    ts.forEachChild(node, visit)
    inserted.push({ at: node.end, text: after })
  }
}

/** Joins what the processes wrote: see counter.ts. */
async function readRecords(directory: string, failed: ReadonlySet<string>): Promise<Reach['testFiles']> {
  const records = new Map<string, string[]>()
  for (const pid of await readdir(join(directory, '.reached')))
    records.set(pid, (await readFile(join(directory, '.reached', pid), 'utf8')).trimEnd().split('\n'))
  const reached = new Map<string, Set<string>>()
  for (const lines of records.values()) {
    let testFile = testFileOf(lines, records)
    for (const line of lines) {
      const [, begun] = /^test (.*)$/.exec(line) ?? []
      if (begun !== undefined) testFile = begun.slice(directory.length + 1)
      else if (testFile !== undefined && !line.startsWith('parent ') && !failed.has(testFile)) {
        const set = reached.get(line) ?? new Set()
        reached.set(line, set.add(testFile))
      }
    }
  }
  return Object.fromEntries([...reached].map(([line, files]) => [line, [...files]]))

  /** That of the nearest ancestor which runs tests. */
  function testFileOf(lines: string[], all: Map<string, string[]>): string | undefined {
    const test = lines.find((line) => line.startsWith('test '))
    if (test !== undefined) return test.slice('test '.length + directory.length + 1)
    const parent = all.get(lines.find((line) => line.startsWith('parent '))?.slice('parent '.length) ?? '')
    return parent && testFileOf(parent, all)
  }
}
