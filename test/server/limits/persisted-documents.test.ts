import { createHash } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { startTestApp } from '../../support/app.ts'

const VIEWER = '{ viewer { role } }'
const DISKS = 'query Disks { disks { totalCount } }'
const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')
const md5 = (text: string) => createHash('md5').update(text).digest('hex')

interface Answer {
  data?: unknown
  errors?: { message: string; extensions: { code: string } }[]
}

async function post(endpoint: string, params: object, authorization?: string): Promise<Answer> {
  const response = await fetch(endpoint, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/json',
      ...(authorization && { authorization }),
    },
    body: JSON.stringify(params),
  })
  const { data, errors } = (await response.json()) as Answer
  return { ...(data !== undefined && { data }), ...(errors && { errors }) }
}

const codeOf = ({ errors }: Answer) => errors?.[0]?.extensions.code ?? 'answered'
const byHash = (sha256Hash: string) => ({ extensions: { persistedQuery: { version: 1, sha256Hash } } })

async function files(contents: Record<string, object>) {
  const dir = await mkdtemp(join(tmpdir(), 'snapgate-documents-'))
  const write = (more: Record<string, object>) =>
    Promise.all(
      Object.entries(more).map(([name, content]) => writeFile(join(dir, name), JSON.stringify(content))),
    )
  await write(contents)
  const paths = Object.keys(contents).map((name) => join(dir, name))
  return { write, setting: paths.join(':'), [Symbol.asyncDispose]: () => rm(dir, { recursive: true }) }
}

test('a query that was registered with its hash is run by its hash; an unknown one is asked for', async () => {
  await using app = await startTestApp()
  const reference = byHash(sha256(VIEWER))

  expect((await post(app.endpoint, reference)).errors).toMatchObject([
    { message: 'PersistedQueryNotFound', extensions: { code: 'PERSISTED_QUERY_NOT_FOUND' } },
  ])
  expect(await post(app.endpoint, { ...reference, query: VIEWER })).toEqual({
    data: { viewer: { role: 'ADMIN' } },
  })
  for (const params of [
    reference,
    byHash(`sha256:${sha256(VIEWER)}`),
    { documentId: sha256(VIEWER) },
    { documentId: `sha256:${sha256(VIEWER)}` },
  ])
    expect(await post(app.endpoint, params)).toEqual({ data: { viewer: { role: 'ADMIN' } } })
})

test('a text cannot be registered under the hash of another', async () => {
  await using app = await startTestApp()
  const reference = byHash(sha256(VIEWER))

  expect(codeOf(await post(app.endpoint, { ...reference, query: DISKS }))).toBe('BAD_REQUEST')
  expect(codeOf(await post(app.endpoint, reference))).toBe('PERSISTED_QUERY_NOT_FOUND')
})

test('an account neither sees nor pushes out what others have registered', async () => {
  await using app = await startTestApp({ PERSISTED_QUERY_BYTES: '2000' })
  const [one, other] = [await app.token('VIEWER', 'one'), await app.token('VIEWER', 'other')]
  const register = (query: string, { token }: { token: string }) =>
    post(app.endpoint, { ...byHash(sha256(query)), query }, `Bearer ${token}`)
  const known = async (query: string, { token }: { token: string }) =>
    codeOf(await post(app.endpoint, byHash(sha256(query)), `Bearer ${token}`))

  await register(VIEWER, one)
  expect(await known(VIEWER, other)).toBe('PERSISTED_QUERY_NOT_FOUND')
  for (let i = 0; i < 50; i++) await register(`query Q${i} { viewer { role } }`, other)

  expect(await known(VIEWER, one)).toBe('answered')
  expect(await known('query Q0 { viewer { role } }', other)).toBe('PERSISTED_QUERY_NOT_FOUND')
  expect(await known('query Q49 { viewer { role } }', other)).toBe('answered')
})

test('where registering is switched off, clients are told, and a text with its hash is run', async () => {
  await using app = await startTestApp({ PERSISTED_QUERY_BYTES: '0' })
  const reference = byHash(sha256(VIEWER))

  expect((await post(app.endpoint, reference)).errors).toMatchObject([
    { message: 'PersistedQueryNotSupported', extensions: { code: 'PERSISTED_QUERY_NOT_SUPPORTED' } },
  ])
  expect(codeOf(await post(app.endpoint, { ...reference, query: VIEWER }))).toBe('answered')
})

test('a mutation cannot be registered and then sent by GET', async () => {
  await using app = await startTestApp()
  const mutation = 'mutation { createSnapshot(input: { diskId: "v-abcdefgh", name: "a" }) { __typename } }'
  expect(codeOf(await post(app.endpoint, { ...byHash(sha256(mutation)), query: mutation }))).toBe('answered')

  const response = await fetch(`${app.endpoint}?documentId=${sha256(mutation)}`)

  expect(response.status).toBe(405)
})

test('the files of relay-compiler, the client preset, gql.tada and Apollo are read together', async () => {
  const texts = ['A', 'B', 'C', 'D', 'E'].map((name) => `query ${name} { viewer { role } }`)
  const [relay = '', preset = '', tada = '', apollo = '', own = ''] = texts
  await using given = await files({
    'relay.json': { [md5(relay)]: relay },
    'persisted-documents.json': { [createHash('sha1').update(preset).digest('hex')]: preset },
    'tada.json': { [`sha256:${sha256(tada)}`]: tada },
    'apollo.json': {
      format: 'apollo-persisted-query-manifest',
      version: 1,
      operations: [{ id: sha256(apollo), name: 'D', type: 'query', body: apollo }],
    },
    'own.json': { [sha256(own)]: own },
  })
  await using app = await startTestApp({ TRUSTED_DOCUMENTS: given.setting, TRUSTED_DOCUMENTS_ONLY: 'true' })

  const ids = [
    md5(relay),
    createHash('sha1').update(preset).digest('hex'),
    sha256(tada),
    sha256(apollo),
    sha256(own),
  ]
  for (const documentId of ids) expect(codeOf(await post(app.endpoint, { documentId }))).toBe('answered')
  expect(codeOf(await post(app.endpoint, { documentId: `sha256:${sha256(tada)}` }))).toBe('answered')
  expect(codeOf(await post(app.endpoint, { documentId: md5(tada) }))).toBe('DOCUMENT_NOT_TRUSTED')
})

test('a document that does not fit is reported and left out, and the others are run', async () => {
  const deep = '{ a '.repeat(17) + '}'.repeat(17)
  const bad = ['{ disks', '{ disks { path } }', deep]
  await using given = await files({
    'one.json': {
      ...Object.fromEntries([DISKS, ...bad].map((text) => [sha256(text), text])),
      ['f'.repeat(64)]: DISKS,
      x: DISKS,
    },
    'two.json': { x: VIEWER },
  })
  await using app = await startTestApp({ TRUSTED_DOCUMENTS: given.setting, LOG_LEVEL: 'warn' })

  expect(app.logged).toMatchObject([
    { id: sha256(bad[0] ?? ''), problem: 'Syntax Error: Expected Name, found <EOF>.' },
    { id: sha256(bad[1] ?? ''), problem: 'Cannot query field "path" on type "DiskConnection".' },
    { id: sha256(deep), problem: 'The document nests fields 17 levels deep; at most 16 are allowed.' },
    { id: 'f'.repeat(64), problem: 'The id is not the SHA-256 of the document.' },
    { id: 'x', problem: 'Another document has the same id.' },
  ])
  expect(codeOf(await post(app.endpoint, byHash(sha256(DISKS))))).toBe('answered')
  expect(await post(app.endpoint, byHash(sha256(bad[1] ?? '')))).toMatchObject({
    errors: [
      {
        message: `The trusted document "${sha256(bad[1] ?? '')}" does not fit the gateway's schema or limits.`,
        extensions: { code: 'DOCUMENT_NOT_TRUSTED' },
      },
    ],
  })
})

test('files that are read again replace those of before, also answers that were kept; one that cannot be read changes nothing', async () => {
  await using given = await files({ 'documents.json': { mine: VIEWER, old: VIEWER } })
  await using app = await startTestApp({ TRUSTED_DOCUMENTS: given.setting, LOG_LEVEL: 'error' })
  const ask = (documentId: string) => post(app.endpoint, { documentId })
  for (let i = 0; i < 3; i++) expect(await ask('mine')).toEqual({ data: { viewer: { role: 'ADMIN' } } })

  await given.write({ 'documents.json': { mine: DISKS } })
  await app.reloadDocuments()
  expect(await ask('mine')).toEqual({ data: { disks: { totalCount: 0 } } })
  expect(codeOf(await ask('old'))).toBe('PERSISTED_QUERY_NOT_FOUND')

  await given.write({ 'documents.json': [] })
  await app.reloadDocuments()
  expect(await ask('mine')).toEqual({ data: { disks: { totalCount: 0 } } })
  expect(app.logged).toHaveLength(1)
})
