import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { parse, validate } from 'graphql'
import { expect, test } from 'vitest'
import { ENVIRONMENT } from '../src/config.ts'
import { UNAVAILABLE } from '../src/domain/unavailable.ts'
import { ERROR_CODES } from '../src/graphql/errors.ts'
import { schema } from '../src/graphql/schema.ts'
import { startTestApp } from './support/app.ts'

const ROOT = fileURLToPath(new URL('..', import.meta.url))

const read = (file: string) => readFile(join(ROOT, file), 'utf8')

async function markdownFiles(): Promise<string[]> {
  const docs = await readdir(join(ROOT, 'docs'), { recursive: true })
  return [
    'README.md',
    'CONTRIBUTING.md',
    'CHANGELOG.md',
    ...docs.filter((file) => file.endsWith('.md')).map((file) => join('docs', file)),
  ]
}

/** The contents of the fenced blocks of one language, in order. */
function blocks(markdown: string, language: string): string[] {
  return [...markdown.matchAll(new RegExp(`^\`\`\`${language}\n(.*?)^\`\`\``, 'gms'))].map(
    ([, block = '']) => block,
  )
}

test('every link in the documentation leads to a file that is there', async () => {
  const files = await markdownFiles()
  const links = await Promise.all(
    files.map(async (file) =>
      [...(await read(file)).matchAll(/\]\((?!https?:)([^)#]+)/g)].map(([, link = '']) =>
        join(dirname(file), link),
      ),
    ),
  )

  expect(links.flat().length).toBeGreaterThan(10)
  expect(links.flat().filter((link) => !existsSync(join(ROOT, link)))).toEqual([])
})

test('every file that docs/architecture.md names is there', async () => {
  const named = [...(await read('docs/architecture.md')).matchAll(/`(src\/[^`]+)`/g)].map(
    ([, file = '']) => file,
  )

  expect(named.length).toBeGreaterThan(15)
  expect(named.filter((file) => !existsSync(join(ROOT, file)))).toEqual([])
})

test('the code of each client in the documentation is that of its tested example, and begins with a live list in few lines', async () => {
  const pages = (await readdir(join(ROOT, 'docs/clients'))).map((file) => join('docs/clients', file))
  const included = (await Promise.all(pages.map(read))).flatMap((page) => [
    ...page.matchAll(/^<!-- (examples\/\S+) -->\n\n```\w+\n(.*?)^```$/gms),
  ])

  const first = Object.fromEntries(
    included.flatMap(([, file = '', code = '']) =>
      basename(file).startsWith('first.') ? [[dirname(file), statementsIn(code)]] : [],
    ),
  )
  expect(Object.keys(first).toSorted()).toEqual(
    ['apollo', 'curl', 'event-source', 'gql-tada', 'python', 'relay', 'tanstack-query', 'urql'].map(
      (name) => `examples/${name}`,
    ),
  )
  expect(Math.max(...Object.values(first))).toBeLessThanOrEqual(12)
  const files = included.map(([, file]) => file)
  for (const directory of ['apollo', 'curl', 'nginx', 'streams']) {
    const there = (await readdir(join(ROOT, 'examples', directory))).map(
      (file) => `examples/${directory}/${file}`,
    )
    const shown = there.filter((file) => !/\/(main\.ts|index\.html)$/.test(file))
    expect(files).toEqual(expect.arrayContaining(shown))
  }
  for (const [, file = '', code] of included) expect(code, file).toBe(await read(file))
})

/** The lines of a program without its imports, comments and blank ones. */
function statementsIn(code: string): number {
  return code.split('\n').filter((line) => line !== '' && !/^(import |#|\/\/)/.test(line)).length
}

test('every operation in the documentation fits the schema', async () => {
  const documents = (await Promise.all((await markdownFiles()).map(read))).flatMap((text) =>
    blocks(text, 'graphql'),
  )

  expect(documents.length).toBeGreaterThanOrEqual(5)
  expect(documents.flatMap((document) => validate(schema, parse(document)))).toEqual([])
})

test('the index of decisions lists each record with its title and status', async () => {
  const files = (await readdir(join(ROOT, 'docs/decisions'))).filter((file) => /^\d{4}-/.test(file)).sort()
  const records = await Promise.all(
    files.map(async (file) => {
      const record = await read(join('docs/decisions', file))
      const [, number, title, status] =
        /^# (\d+)\. ([^\n]+)\n\nStatus: ((?:accepted|superseded by \[)[^\n]*)\n\n## Context\n.+\n## Decision\n.+\n## Consequences\n./s.exec(
          record,
        ) ?? []
      return [number?.padStart(4, '0'), `[${title}](${file})`, status]
    }),
  )
  const index = await read('docs/decisions/README.md')
  const rows = [...index.matchAll(/^\| (\d+) +\| (.+?) +\| (.+?) +\|$/gm)]

  expect(records.map(([number]) => number)).toEqual(files.map((file) => file.slice(0, 4)))
  expect(rows.map(([, number = '', ...row]) => [number.padStart(4, '0'), ...row])).toEqual(records)
})

test('the codes of errors are documented, each in its words', async () => {
  const rows = [...(await read('docs/clients.md')).matchAll(/^\| `([A-Z_]+)` +\| (.+?) +\|$/gm)]

  expect(rows.map(([, code, text]) => [code, text])).toEqual(Object.entries(ERROR_CODES))
})

test('docs/security.md has each limit that can be set, with its default', async () => {
  const rows = (await read('docs/security.md')).matchAll(/^\|[^|]+\| `([A-Z_]+)` +\| ([\d,]+) +\|[^|]+\|$/gm)
  const documented = [...rows].map(([, name = '', value = '']) => [name, Number(value.replaceAll(',', ''))])
  const isLimit = /^(MAX|RATE|STREAM_BUFFER|SNAPSHOT_QUOTA|ANSWER_CACHE|CLOUD_CALLS)_|_TIMEOUT_MS$/
  const settings = Object.entries(ENVIRONMENT.parse({})).filter(([name]) => isLimit.test(name))

  expect(documented.toSorted()).toEqual(settings.toSorted())
})

test('the map of the source has each room with what it imports from, as the linter enforces', async () => {
  const { ROOMS } = (await import(join(ROOT, 'eslint.config.js'))) as { ROOMS: Record<string, string[]> }
  const map = [...(await read('CONTRIBUTING.md')).matchAll(/^\| \[src\/(\w+)\]\(.+?\|.+?\| (.+?) +\|$/gm)]
  const folders = await readdir(join(ROOT, 'src'), { withFileTypes: true })

  expect(Object.fromEntries(map.map(([, room, imports]) => [room, imports]))).toEqual(
    Object.fromEntries(Object.entries(ROOMS).map(([room, from]) => [room, from.join(', ') || 'nothing'])),
  )
  expect(map.map(([, room]) => room).sort()).toEqual(
    folders
      .filter((entry) => entry.isDirectory() && entry.name !== 'generated')
      .map(({ name }) => name)
      .sort(),
  )
})

test('the reasons for not being ready are documented', async () => {
  const operations = await read('docs/operations.md')
  const [, table = ''] = /^\| Message +\| Reads .+?\n(.+?)\n\n/ms.exec(operations) ?? []
  const rows = [...table.matchAll(/^\| ([A-Z].+?) +\|/gm)].map(([, reason]) => reason)

  expect(rows).toEqual(Object.values(UNAVAILABLE))
})

test('the first steps in the documentation for clients answer what it shows', async () => {
  await using app = await startTestApp({ DEMO: 'true' })
  const text = await read('docs/clients.md')
  const [list = '', create = '', watch = ''] = blocks(text, 'graphql')
  const [listed = '', created = '', watched = ''] = blocks(text, 'json')
  const shownId = /s-\w+/.exec(created)?.[0] ?? ''

  expect({ data: (await app.graphql(list)).data }).toEqual(JSON.parse(listed))

  const answer = (await app.graphql(create)).data
  const id = answer.createSnapshot.snapshot.id as string
  expect({ data: answer }).toEqual(JSON.parse(created.replace(shownId, id)))

  const work = app.runner.tick()
  const events = await Array.fromAsync(app.sse(watch.replace(shownId, id)))
  expect(events).toEqual(
    watched
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line)),
  )
  await work
})

test('the commands of the README show a live transition', async () => {
  await using app = await startTestApp({ DEMO: 'true' })
  const readme = await read('README.md')
  const [watch = '', create = ''] = blocks(readme, 'sh').flatMap(
    (command) => /-d '(.+)'$/m.exec(command)?.[1] ?? [],
  )
  const [, shown = ''] = /^```\n(event: next.+?)^```/ms.exec(readme) ?? []
  const post = (body: string, accept = 'application/json') =>
    fetch(app.endpoint, { method: 'POST', headers: { 'content-type': 'application/json', accept }, body })

  const stream = await post(watch, 'text/event-stream')
  const created = await (await post(create)).json()
  const work = app.runner.tick()

  expect(created.data.createSnapshot).toEqual({ snapshot: { id: expect.any(String), status: 'CREATING' } })
  const withoutIds = (events: string) => events.trim().replaceAll(/^id: s.+$/gm, 'id: …')
  expect(withoutIds(await firstEvents(stream, 2))).toBe(withoutIds(shown))
  await work
})

/** The first events of a stream as they were sent, without pings. */
async function firstEvents({ body }: Response, count: number): Promise<string> {
  let text = ''
  for await (const chunk of body?.pipeThrough(new TextDecoderStream()) ?? []) {
    text += chunk
    const events = text
      .split('\n\n')
      .slice(0, -1)
      .filter((event) => event.startsWith('event: '))
    if (events.length >= count) return events.slice(0, count).join('\n\n')
  }
  throw new Error(`The stream ended early: ${text}`)
}

test('the scripts that the documentation names are there', async () => {
  const { scripts } = JSON.parse(await read('package.json')) as { scripts: Record<string, string> }
  const text = (await Promise.all((await markdownFiles()).map(read))).join('\n')
  const named = [...text.matchAll(/npm run (?:-s )?([\w:]+)/g)].map(([, script = '']) => script)

  expect(named.length).toBeGreaterThan(5)
  expect(named.filter((script) => !(script in scripts))).toEqual([])
})

test('the lock file marks every package that ships its binary, so that no npm compiles it', async () => {
  const { packages } = JSON.parse(await read('package-lock.json')) as {
    packages: Record<string, { gypfile?: boolean; hasInstallScript?: boolean }>
  }
  const compiled = Object.keys(packages).filter(
    (name) => name !== '' && existsSync(join(ROOT, name, 'binding.gyp')) && packages[name]?.gypfile !== false,
  )

  expect(packages['node_modules/better-sqlite3']?.gypfile).toBe(false)
  expect(compiled).toEqual([])
})

test('each way to send a credential, as the documentation for clients has it, is let in', async () => {
  await using app = await startTestApp()
  const { token } = await app.token('OPERATOR')
  const recipes = blocks(await read('docs/clients.md'), 'js').filter((recipe) =>
    recipe.includes('authorization'),
  )
  expect(recipes).toHaveLength(2)

  const outputs = await Promise.all(
    recipes.map((recipe) => {
      const program = recipe.replaceAll('localhost:4000', new URL(app.url).host)
      // A client that goes on would keep the process alive.
      return runProgram(`const token = ${JSON.stringify(token)}\n${program}\nprocess.exit()`)
    }),
  )

  expect(outputs[0]).toContain("role: 'OPERATOR'")
  expect(outputs[1]).toContain("{ viewer: { role: 'OPERATOR' } }")
})

/** What a program prints, which may import what the project has. */
async function runProgram(source: string): Promise<string> {
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', source], {
    cwd: ROOT,
  })
  return stdout
}
