import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import ts from 'typescript'
import { expect, test } from 'vitest'

/** The code that text from clients goes through: ours, and what of others is on its way. */
const CODE = [
  'src',
  'node_modules/graphql-yoga/esm',
  'node_modules/@whatwg-node/server/esm',
  'node_modules/@whatwg-node/fetch/dist',
  'node_modules/graphql-ws/dist',
  'node_modules/ws/lib',
  'node_modules/graphql/language',
  'node_modules/graphql/jsutils',
  'node_modules/graphql/type',
  'node_modules/graphql-scalars/esm/scalars/iso-date',
  'node_modules/graphql-scalars/esm/scalars/BigInt.js',
  'node_modules/jose/dist/webapi',
  'node_modules/rate-limiter-flexible/lib',
]

/** What no client writes a text for. */
const NOT_FROM_CLIENTS = ['src/generated/', 'src/demo/', 'src/commands/']

/** Beginnings that get past the first characters of patterns, and what is then repeated. */
const BEGINNINGS = ['', 'a', '0', ' ', 'application/json', 'charset=', 'Bearer ', 'sg_', 'eyJ', 'eyJa.b.', 'W/"', 'http://a', '/disks/', 'v-', '2026-01-01', '2026-01-01T00:00:00.', '{"'] // prettier-ignore
const REPEATED = ['a', 'Z', '0', ' ', '\t', '\n', ',', ';', ':', '.', '-', '_', '/', '"', '=', '(', '\\', '漢', 'a ', ' a', 'a,', 'a;', '; ', ', ', 'a.', 'a-', '0a', '00:', "' Did you mean '", 'sg_a', 'eyJa.'] // prettier-ignore
const LENGTH = 8_000
/** Linear time is a tenth of this at most; quadratic time is tens of milliseconds. */
const MAX_MS = 10

const ROOT = new URL('../../', import.meta.url).pathname

function* filesIn(path: string): Generator<string> {
  if (NOT_FROM_CLIENTS.some((part) => `${path}/`.startsWith(part))) return
  if (statSync(join(ROOT, path)).isFile()) {
    if (/(?<!\.d)\.(?:m?js|ts)$/.test(path)) yield path
    return
  }
  for (const name of readdirSync(join(ROOT, path))) yield* filesIn(join(path, name))
}

/** The regular expressions that are written in a file. */
function patternsIn(path: string): string[] {
  const patterns: string[] = []
  const visit = (node: ts.Node): void => {
    if (ts.isRegularExpressionLiteral(node)) patterns.push(node.text)
    ts.forEachChild(node, visit)
  }
  visit(ts.createSourceFile(path, readFileSync(join(ROOT, path), 'utf8'), ts.ScriptTarget.Latest))
  return patterns
}

/** How long it takes to search a text, in milliseconds: the least of three, as other processes may be in the way. */
function msOf(pattern: RegExp, text: string): number {
  let least = Infinity
  for (let i = 0; i < 3 && least > MAX_MS; i++) {
    const start = performance.now()
    pattern.lastIndex = 0
    pattern.test(text)
    least = Math.min(least, performance.now() - start)
  }
  return least
}

/** The beginning and the repeated part of a text that takes longer than linear time; undefined when there is none. */
function slowTextFor(pattern: RegExp): [beginning: string, repeated: string] | undefined {
  for (const beginning of BEGINNINGS) {
    for (const repeated of REPEATED) {
      const text = `${beginning}${repeated.repeat(Math.ceil(LENGTH / repeated.length))}`
      for (const end of ['', '\0', ' x']) {
        if (msOf(pattern, text + end) > MAX_MS) return [beginning, repeated]
      }
    }
  }
  return undefined
}

function parsed(literal: string): RegExp {
  const end = literal.lastIndexOf('/')
  return new RegExp(literal.slice(1, end), literal.slice(end + 1))
}

test('no regular expression that text from clients meets takes more than linear time', () => {
  const found = new Map<string, string>()
  for (const root of CODE) {
    for (const file of filesIn(root)) for (const pattern of patternsIn(file)) found.set(pattern, file)
  }

  const slow = [...found].flatMap(([pattern, file]) => {
    const text = slowTextFor(parsed(pattern))
    return text ? [{ file, pattern, text }] : []
  })

  expect(found.size).toBeGreaterThan(50)
  expect(slow).toEqual([])
}, 60_000)

test('a pattern that takes quadratic time is found', () => {
  for (const pattern of [/\s*;\s*/, /^charset=\s*a*\s*$/, /[^,]*,[^;]*;/]) {
    expect([pattern, slowTextFor(pattern) !== undefined]).toEqual([pattern, true])
  }
})
