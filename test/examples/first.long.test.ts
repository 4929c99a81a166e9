import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempDisposable, readFile, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { extname, join } from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { build } from 'vite'
import { startTestApp, type TestApp } from '../support/app.ts'
import { launchBrowser, NO_BROWSER } from '../support/browser.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const EXAMPLES = join(ROOT, 'examples')
/** Debian's own Python: that is where its packages are. */
const PYTHON = '/usr/bin/python3'

const lacks = (program: string, ...args: string[]) =>
  process.env.CI !== 'true' && spawnSync(program, args).status !== 0

/** The text of an example, for the gateway of a test. */
const textOf = async (file: string, { url }: TestApp) =>
  (await readFile(file, 'utf8')).replaceAll('localhost:4000', new URL(url).host)

/** A program, and the lines that it prints. */
function start(program: string, args: string[]) {
  const child = spawn(program, args, { cwd: ROOT, detached: true })
  const exited = once(child, 'exit')
  let [output, faults] = ['', '']
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (faults += text))
  return {
    lines: () => (faults === '' ? output : faults).trimEnd().split('\n'),
    async [Symbol.asyncDispose](): Promise<void> {
      if (child.exitCode === null && child.pid !== undefined) process.kill(-child.pid, 'SIGKILL')
      await exited
    },
  }
}

/** Lists what there is, then again what has been created, and when it is complete. */
async function expectLive(app: TestApp, lines: () => string[]): Promise<void> {
  const shown = (name: string, status: string) => new RegExp(`name\\W+${name}\\W+status\\W+${status}`)
  await expect.poll(() => lines().at(-1), { timeout: 60_000 }).toMatch(shown('first', 'COMPLETED'))
  await expect.poll(() => app.hub.listeners, { timeout: 60_000 }).toBe(1)
  await app.snapshot(await app.disk(), { name: 'second' })
  await expect.poll(() => lines().at(-1), { timeout: 30_000 }).toMatch(shown('second', 'CREATING'))
  await app.runner.tick()
  await expect.poll(() => lines().at(-1), { timeout: 30_000 }).toMatch(shown('second', 'COMPLETED'))
}

async function startWorld(settings: Record<string, string> = {}): Promise<TestApp> {
  const app = await startTestApp(settings)
  await app.snapshot(await app.disk(), { name: 'first' })
  await app.runner.tick()
  return app
}

test.for<[client: string, file: string]>([
  ['Apollo Client', 'apollo/first.js'],
  ['urql', 'urql/first.js'],
  ['TanStack Query with graphql-request', 'tanstack-query/first.js'],
  ['gql.tada', 'gql-tada/first.ts'],
])('the first steps with %s are a live list', async ([, file]) => {
  await using app = await startWorld()
  const type = extname(file) === '.ts' ? 'module-typescript' : 'module'
  const text = await textOf(join(EXAMPLES, file), app)

  await using program = start(process.execPath, [`--input-type=${type}`, '--eval', text])

  await expectLive(app, program.lines)
})

test('the first steps with Relay are a live list', async () => {
  await using app = await startWorld()
  await using directory = await mkdtempDisposable(join(tmpdir(), 'snapgate-example-'))
  await build({
    root: join(EXAMPLES, 'relay'),
    logLevel: 'warn',
    ssr: { noExternal: true },
    build: { ssr: 'first.ts', outDir: directory.path, emptyOutDir: true, target: 'es2023' },
  })
  const file = join(directory.path, 'first.js')
  await writeFile(file, await textOf(file, app))
  await writeFile(join(directory.path, 'package.json'), '{ "type": "module" }')

  await using program = start(process.execPath, [file])

  await expectLive(app, program.lines)
})

test.skipIf(lacks('jq', '--version'))('the first steps with curl are a live list', async () => {
  await using app = await startWorld()
  const text = await textOf(join(EXAMPLES, 'curl/first.sh'), app)

  await using program = start('bash', ['-c', text])

  await expectLive(app, program.lines)
})

test.skipIf(lacks(PYTHON, '-c', 'import requests'))(
  'the first steps with Python are a live list',
  async () => {
    await using app = await startWorld()
    const text = await textOf(join(EXAMPLES, 'python/first.py'), app)

    await using program = start(PYTHON, ['-c', text])

    await expectLive(app, program.lines)
  },
)

test.skipIf(NO_BROWSER)('the first steps with EventSource are a live list', async () => {
  const pages = createServer((_request, response) => response.setHeader('content-type', 'text/html').end())
  await new Promise<void>((resolve) => void pages.listen(0, '127.0.0.1', resolve))
  const origin = `http://localhost:${(pages.address() as AddressInfo).port}`
  await using app = await startWorld({ ALLOWED_ORIGINS: origin })
  await using browser = await launchBrowser()
  const page = await browser.newPage()
  const lines: string[] = []
  page.on('console', (message) => lines.push(message.text()))
  await page.goto(origin)

  await page.addScriptTag({
    type: 'module',
    content: await textOf(join(EXAMPLES, 'event-source/first.js'), app),
  })

  await expectLive(app, () => lines)
  pages.closeAllConnections()
  pages.close()
})

test('the stream of the documentation is filtered by type, status and tag', async () => {
  await using app = await startTestApp()
  const text = await textOf(join(EXAMPLES, 'streams/filtered.js'), app)
  await using program = start(process.execPath, ['--input-type=module', '--eval', text])
  await expect.poll(() => app.hub.listeners, { timeout: 60_000 }).toBe(1)

  await app.snapshot(await app.disk(), { name: 'without' })
  await app.snapshot(await app.disk(), { name: 'staging', tags: [{ key: 'env', value: 'staging' }] })
  await app.snapshot(await app.disk(), { name: 'production', tags: [{ key: 'env', value: 'prod' }] })
  await app.runner.tick()

  const event = JSON.stringify({ snapshotName: 'production', from: 'CREATING', to: 'COMPLETED' })
  await expect.poll(program.lines, { timeout: 30_000 }).toEqual([event])
})

test('Apollo Client shows disks before their deferred counts, as in the documentation', async () => {
  await using app = await startWorld()
  const text = await textOf(join(EXAMPLES, 'apollo/defer.js'), app)
  await using program = start(process.execPath, ['--input-type=module', '--eval', text])

  await expect.poll(() => program.lines().at(-1), { timeout: 60_000 }).toMatch(/^complete .*"totalCount":1/)
  expect(program.lines().filter((line) => line.startsWith('streaming '))).toEqual([
    expect.not.stringContaining('totalCount'),
  ])
})
