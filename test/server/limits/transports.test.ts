import { createHash } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { getIntrospectionQuery } from 'graphql'
import { serverAudits } from 'graphql-http'
import { describe, expect, test } from 'vitest'
import { startTestApp, type TestApp } from '../../support/app.ts'

interface Result {
  data?: any
  errors?: { message: string; extensions: Record<string, unknown> }[]
  extensions?: any
}
type Params = {
  query?: string
  documentId?: string
  variables?: Record<string, unknown>
  extensions?: Record<string, unknown>
}

/** What an operation is answered, its errors and extensions included, over each transport. */
const TRANSPORTS: Record<string, (app: Client, params: Params) => Promise<Result>> = {
  HTTP: async (app, params) => (await (await post(app, params)).json()) as Result,
  'server-sent events': async (app, params) => {
    const text = await (await post(app, params, { accept: 'text/event-stream' })).text()
    return JSON.parse(/^data: (.+)$/m.exec(text)?.[1] ?? text) as Result
  },
  WebSocket: async (app, params) => {
    await using client = app.webSocket()
    try {
      const [result] = await Array.fromAsync(client.iterate({ query: '', ...params }))
      return result as Result
    } catch (errors) {
      return { errors: errors as Result['errors'] & object }
    }
  },
}
const everyTransport = Object.entries(TRANSPORTS)

/** A gateway as seen without credentials, or with a token. */
type Client = Pick<TestApp, 'endpoint' | 'webSocket'> & { authorization?: string }

const post = (app: Client, params: Params, headers: Record<string, string> = {}) =>
  fetch(app.endpoint, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/json',
      ...(app.authorization && { authorization: app.authorization }),
      ...headers,
    },
    body: JSON.stringify(params),
  })

const PAGE = '{ disks(first: 10) { nodes { id } } }'
const CREATE = `mutation ($id: ID!, $name: String!) {
  createSnapshot(input: { diskId: $id, name: $name }) { __typename }
}`
const TIME = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
const codes = ({ errors }: Result) => errors?.map(({ extensions }) => extensions.code)

describe.each(everyTransport)('over %s', (transport, send) => {
  test('an answer says what it cost, and what is left', async () => {
    await using app = await startTestApp({ RATE_COST: '20000' })

    const answers = [await send(app, { query: PAGE }), await send(app, { query: PAGE })]

    expect(answers.map(({ extensions }) => extensions)).toEqual(
      [19_977, 19_954].map((remaining) => ({
        cost: { requested: 23, limit: 20_000, remaining, resetAt: TIME },
      })),
    )
  })

  test('an operation that costs too much is not run, and costs nothing', async () => {
    await using app = await startTestApp({ MAX_COST: '22', RATE_COST: '32' })

    const { data, errors } = await send(app, { query: PAGE })

    expect(data).toBeUndefined()
    expect(errors).toEqual([
      {
        message:
          'The operation costs 23 points; the limit is 22. Request smaller pages, or split it into several operations.',
        extensions: {
          code: 'COST_LIMIT_EXCEEDED',
          cost: { requested: 23, limit: 22 },
          requestId: expect.any(String),
        },
      },
    ])
    const page = await send(app, {
      query: 'query ($n: Int) { disks(first: $n) { nodes { id } } }',
      variables: { n: 9 },
    })
    expect(page.extensions.cost.remaining).toBe(10)
  })

  test.each<
    [budget: string, environment: Record<string, string>, query: string, allowed: number, takes: number]
  >([
    ['requests', { RATE_REQUESTS: '3' }, '{ __typename }', 3, 1],
    ['requests', { RATE_REQUESTS: '2' }, '{ syntax error', 2, 1],
    ['cost', { RATE_COST: '60', MAX_COST: '60' }, PAGE, 2, 23],
  ])('an account has a budget of %s (%j)', async (budget, environment, query, allowed, takes) => {
    await using app = await startTestApp(environment)
    for (let i = 0; i < allowed; i++) expect(codes(await send(app, { query }))).not.toEqual(['RATE_LIMITED'])

    const { data, errors } = await send(app, { query })

    expect(data).toBeUndefined()
    expect(errors).toEqual([
      {
        message: expect.stringMatching(
          new RegExp(`^Rate limit of \\d+ \\w+ per 60 s reached: ${takes} needed, \\d+ left\\. Retry after `),
        ),
        extensions: { code: 'RATE_LIMITED', budget, resetAt: TIME, requestId: expect.any(String) },
      },
    ])
  })

  test('an account has a budget of creates, and what is over it is not made', async () => {
    await using app = await startTestApp({ RATE_CREATES: '2' })
    const disks = [await app.disk(), await app.disk(), await app.disk()]

    const answers: (unknown[] | undefined)[] = []
    for (const { id } of disks)
      answers.push(codes(await send(app, { query: CREATE, variables: { id, name: 'a' } })))

    expect(answers).toEqual([undefined, undefined, ['RATE_LIMITED']])
    expect(await app.db.snapshot.count()).toBe(2)
  })

  test('introspection works, as GraphiQL asks for it', async () => {
    await using app = await startTestApp()

    const { data } = await send(app, { query: getIntrospectionQuery() })

    expect(data.__schema.queryType.name).toBe('Query')
  })

  test('introspection can be closed for all but administrators, with everything that would tell the same', async () => {
    await using app = await startTestApp({ INTROSPECTION: 'false' })
    const as = async (role: 'ADMIN' | 'VIEWER') => {
      const { token, webSocket } = await app.token(role)
      return { webSocket, endpoint: app.endpoint, authorization: `Bearer ${token}` }
    }
    const viewer = await as('VIEWER')
    const messages = async (query: string, variables: Record<string, unknown> = {}) =>
      (await send(viewer, { query, variables })).errors?.map(({ message, extensions }) => [
        extensions.code,
        message,
      ])

    expect((await send(await as('ADMIN'), { query: getIntrospectionQuery() })).errors).toBeUndefined()
    expect(await messages('{ __schema { types { name } } }')).toEqual([
      ['INTROSPECTION_DISABLED', 'Introspection requires the role ADMIN: __schema is not available.'],
    ])
    expect(await messages('{ ...F } fragment F on Query { t: __type(name: "Disk") { name } }')).toEqual([
      ['INTROSPECTION_DISABLED', 'Introspection requires the role ADMIN: __type is not available.'],
    ])
    expect(await messages('{ disk(id: "v-abcdefgh") { nam } }')).toEqual([
      ['GRAPHQL_VALIDATION_FAILED', 'Cannot query field "nam" on type "Disk".'],
    ])
    const filter = 'query ($f: DiskFilter) { disks(filter: $f) { totalCount } }'
    expect(JSON.stringify(await messages(filter, { f: { nam: 1 } }))).not.toMatch(/Did you mean/)
    expect(JSON.stringify(await messages(filter, { f: { status: { eq: 'IN_US' } } }))).not.toMatch(
      /Did you mean/,
    )
    expect((await send(viewer, { query: '{ __typename }' })).data).toEqual({ __typename: 'Query' })
  })

  test('trusted documents are run by their hash, and can be the only ones that are', async () => {
    await using file = await documentsFile([PAGE])
    const [hash = ''] = file.hashes
    const extensions = { persistedQuery: { version: 1, sha256Hash: hash } }
    const unknown = { persistedQuery: { version: 1, sha256Hash: 'f'.repeat(64) } }
    const OTHER = '{ disks { totalCount } }'
    const sha256Hash = createHash('sha256').update(OTHER).digest('hex')
    const tried = async (only: string) => {
      await using app = await startTestApp({ TRUSTED_DOCUMENTS: file.path, TRUSTED_DOCUMENTS_ONLY: only })
      const all = [
        { extensions },
        { documentId: hash },
        { documentId: `sha256:${hash}` },
        { query: PAGE },
        { extensions: unknown },
        { query: OTHER },
        { query: OTHER, extensions: { persistedQuery: { version: 1, sha256Hash } } },
      ]
      return await Promise.all(all.map(async (params) => codes(await send(app, params)) ?? 'answered'))
    }

    expect(await tried('false')).toEqual([
      ...['answered', 'answered', 'answered', 'answered'],
      ...[['PERSISTED_QUERY_NOT_FOUND'], 'answered', 'answered'],
    ])
    expect(await tried('true')).toEqual([
      ...['answered', 'answered', 'answered', 'answered'],
      ...[['DOCUMENT_NOT_TRUSTED'], ['DOCUMENT_NOT_TRUSTED'], ['DOCUMENT_NOT_TRUSTED']],
    ])
  })

  test('an answer that the engine cannot make is a fault, and says nothing of itself', async () => {
    await using app = await startTestApp({ LOG_LEVEL: 'error' })
    const { id } = await app.disk()
    await app.db.$executeRaw`UPDATE "Disk" SET "sizeBytes" = 9223372036854775807`

    const { errors } = await send(app, { query: `{ disk(id: "${id}") { sizeBytes } }` })

    expect(errors?.map(({ message, extensions }) => [message, extensions.code])).toEqual([
      ['Unexpected error.', 'INTERNAL_SERVER_ERROR'],
    ])
    expect(app.logged).toHaveLength(1)
  })

  if (transport !== 'HTTP') {
    test('events of a subscription say nothing of its cost, as they are shared; their start is counted', async () => {
      await using app = await startTestApp({ RATE_COST: '20', MAX_COST: '20' })
      const disk = await app.disk()
      const { data } = await app.graphql(
        'mutation ($id: ID!) { createSnapshot(input: { diskId: $id, name: "a" }) { ... on CreateSnapshotPayload { snapshot { id } } } }',
        { id: disk.id },
      )
      expect(data).toBeUndefined()
      await app.heldSnapshots(disk, 1)
      const id = (await app.db.snapshot.findFirstOrThrow()).id
      const query = `subscription { snapshotProgress(id: "${id}") { percent snapshotId } }`

      const results = [await send(app, { query }), await send(app, { query })]

      expect(results.map(({ extensions }) => extensions)).toEqual([undefined, undefined])
      expect((await send(app, { query: '{ __typename }' })).extensions.cost.remaining).toBe(7)
    })
  }
})

describe('headers', () => {
  test('say how each budget stands, and what the operation cost', async () => {
    await using app = await startTestApp({ RATE_REQUESTS: '5', RATE_COST: '20000', RATE_CREATES: '7' })
    const { id } = await app.disk()

    const { headers } = await post(app, { query: CREATE, variables: { id, name: 'a' } })

    expect(headers.get('x-query-cost')).toBe('22')
    expect(headers.get('ratelimit-policy')).toBe(
      '"requests";q=5;w=60, "cost";q=20000;w=60, "creates";q=7;w=60',
    )
    expect(headers.get('ratelimit')).toMatch(
      /^"requests";r=4;t=(59|60), "cost";r=19978;t=(59|60), "creates";r=6;t=(59|60)$/,
    )
  })

  test('of a stream say the same when it starts', async () => {
    await using app = await startTestApp({ RATE_REQUESTS: '5' })

    const response = await post(
      app,
      { query: 'subscription { snapshotTransitions { to } }' },
      { accept: 'text/event-stream' },
    )

    expect(response.headers.get('ratelimit')).toMatch(/^"requests";r=4;t=\d+, "cost";r=/)
    expect(response.headers.get('x-query-cost')).toBe('6')
    await response.body?.cancel()
  })

  test.each([
    ['application/json', 429],
    ['application/graphql-response+json', 429],
    // To a client of event streams, the error is an event.
    ['text/event-stream', 200],
  ])(
    'a budget that is used up is told with the time to wait, accepting %s with %d',
    async (accept, status) => {
      await using app = await startTestApp({ RATE_REQUESTS: '1' })
      await post(app, { query: PAGE })

      const response = await post(app, { query: PAGE }, { accept })

      expect(response.status).toBe(status)
      expect(await response.text()).toContain('"code":"RATE_LIMITED"')
      expect(Number(response.headers.get('retry-after'))).toBeGreaterThan(0)
      expect(Number(response.headers.get('retry-after'))).toBeLessThanOrEqual(60)
      expect(response.headers.get('ratelimit')).toMatch(/^"requests";r=0;t=\d+$/)
    },
  )

  test('each account has budgets of its own, and when the window has passed they are full again', async () => {
    await using app = await startTestApp({ RATE_REQUESTS: '1', RATE_WINDOW_SECONDS: '1' })
    const status = async () => (await post(app, { query: '{ __typename }' })).status
    expect([await status(), await status()]).toEqual([200, 429])

    await expect.poll(status).toBe(200)
  })
})

test('with introspection closed for others, an administrator passes every audit of GraphQL over HTTP', async () => {
  await using app = await startTestApp({ INTROSPECTION: 'false' })
  const audit = async (role: 'ADMIN' | 'VIEWER') => {
    const { token } = await app.token(role)
    const more = { authorization: `Bearer ${token}` }
    const fetchFn = (url: string, { headers, ...init }: RequestInit = {}) =>
      fetch(url, { ...init, headers: { ...(headers as Record<string, string>), ...more } })
    const results = await Promise.all(serverAudits({ url: app.endpoint, fetchFn }).map((one) => one.fn()))
    expect(results).toHaveLength(61)
    return results.flatMap(({ id, status }) => (status === 'ok' ? [] : [id])).toSorted()
  }

  expect(await audit('ADMIN')).toEqual([])
  // These four ask for a type.
  expect(await audit('VIEWER')).toEqual(['28B9', '2EA1', '6A70', 'D6D5'])
})

test('a trusted document can be asked for by GET', async () => {
  await using file = await documentsFile([PAGE])
  await using app = await startTestApp({ TRUSTED_DOCUMENTS: file.path, TRUSTED_DOCUMENTS_ONLY: 'true' })
  const extensions = JSON.stringify({ persistedQuery: { version: 1, sha256Hash: file.hashes[0] } })

  const response = await fetch(`${app.endpoint}?extensions=${encodeURIComponent(extensions)}`, {
    headers: { accept: 'application/json' },
  })

  expect(await response.json()).toMatchObject({ data: { disks: { nodes: [] } } })
})

describe('a file of trusted documents stops the start, and says why,', () => {
  const start = async (TRUSTED_DOCUMENTS: string) => {
    try {
      await using app = await startTestApp({ TRUSTED_DOCUMENTS })
      return app.url
    } catch (error) {
      return (error as Error).message
    }
  }

  test('when it is missing', async () => {
    expect(await start('/nowhere/documents.json')).toBe(
      "TRUSTED_DOCUMENTS: /nowhere/documents.json cannot be read: ENOENT: no such file or directory, open '/nowhere/documents.json'.",
    )
  })

  test.each(['', '[]', '{"a":1}', 'query { a }'])('when it is %j', async (content) => {
    await using file = await textFile(content)

    expect(await start(file.path)).toBe(
      `TRUSTED_DOCUMENTS: ${file.path} must be a JSON object with the text of each document under its id, or a manifest of Apollo.`,
    )
  })
})

async function documentsFile(documents: string[], more: Record<string, string> = {}) {
  const hashes = documents.map((document) => createHash('sha256').update(document).digest('hex'))
  const entries = documents.map((document, index) => [hashes[index] ?? '', document] as const)
  return Object.assign(await textFile(JSON.stringify({ ...Object.fromEntries(entries), ...more })), {
    hashes,
  })
}

async function textFile(content: string) {
  const dir = await mkdtemp(join(tmpdir(), 'snapgate-documents-'))
  const path = join(dir, 'documents.json')
  await writeFile(path, content)
  return { path, [Symbol.asyncDispose]: () => rm(dir, { recursive: true }) }
}
