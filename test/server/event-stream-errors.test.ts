import { createClient } from 'graphql-sse'
import { expect, test } from 'vitest'
import { startTestApp, type TestApp } from '../support/app.ts'
import type { Outcome } from '../support/clients.ts'
import { announce } from '../support/subscribers.ts'

const HEADERS = { 'content-type': 'application/json', accept: 'text/event-stream' }
const WATCH = 'subscription ($id: ID!, $after: String) { snapshotStatus(id: $id, after: $after) { to } }'

type Operation = { query: string; variables?: Record<string, unknown>; operationName?: string }

/** What the official client reads of an operation, to its end. */
async function read({ endpoint }: TestApp, operation: Operation, headers = {}): Promise<Outcome[]> {
  const client = createClient({ url: endpoint, headers, retryAttempts: 0 })
  try {
    return await Array.fromAsync(client.iterate(operation) as AsyncIterable<Outcome>)
  } finally {
    client.dispose()
  }
}

const post = ({ endpoint }: TestApp, body: string) =>
  fetch(endpoint, { method: 'POST', headers: HEADERS, body })

test.each<[what: string, operation: Operation, code: string]>([
  ['a document that is not GraphQL', { query: 'subscription {' }, 'GRAPHQL_PARSE_FAILED'],
  ['an empty document', { query: '' }, 'GRAPHQL_PARSE_FAILED'],
  ['an unknown field', { query: 'subscription { nothing }' }, 'GRAPHQL_VALIDATION_FAILED'],
  ['a missing variable', { query: WATCH }, 'BAD_USER_INPUT'],
  ['a wrong variable', { query: WATCH, variables: { id: {} } }, 'BAD_USER_INPUT'],
  [
    'an operation that there is not',
    { query: WATCH, variables: { id: 's-missing00' }, operationName: 'Other' },
    'BAD_REQUEST',
  ],
  ['an id of something else', { query: WATCH, variables: { id: 'v-missing00' } }, 'BAD_USER_INPUT'],
  ['an unknown id', { query: WATCH, variables: { id: 's-missing00' } }, 'NOT_FOUND'],
  ['a malformed cursor', { query: WATCH, variables: { id: 's-missing00', after: 'x' } }, 'BAD_USER_INPUT'],
  [
    'an operation that costs too much',
    {
      query:
        '{ disks(first: 100) { nodes { snapshots(first: 100) { nodes { disk { snapshots(first: 100) { nodes { id } } } } } } } }',
    },
    'COST_LIMIT_EXCEEDED',
  ],
  ['a document that is too large', { query: '{ a'.repeat(1_000) }, 'DOCUMENT_TOO_LARGE'],
  ['a role that is too low', { query: '{ apiTokens { totalCount } }' }, 'FORBIDDEN'],
])('%s is an event to the official client, and the stream completes', async (_what, operation, code) => {
  await using app = await startTestApp()
  const { token } = await app.token('VIEWER')

  const results = await read(app, operation, { authorization: `Bearer ${token}` })

  expect(results).toEqual([
    expect.objectContaining({
      errors: [expect.objectContaining({ extensions: expect.objectContaining({ code }) })],
    }),
  ])
})

test('an expired cursor is an event', async () => {
  await using app = await startTestApp()
  const after = (await app.graphql('{ snapshots { streamCursor } }')).data.snapshots.streamCursor as string
  await announce(app, 3)
  await app.transitions.prune({ before: new Date(1), keep: 1 })

  const [result] = await read(app, {
    query: 'subscription ($after: String) { snapshotTransitions(after: $after) { to } }',
    variables: { after },
  })

  expect(result?.errors?.map(({ extensions }) => extensions.code)).toEqual(['CURSOR_EXPIRED'])
})

test('a budget that is used up is an event, with Retry-After', async () => {
  await using app = await startTestApp({ RATE_REQUESTS: '1' })
  const body = JSON.stringify({ query: '{ disks { totalCount } }' })
  await post(app, body)

  const response = await post(app, body)

  expect(response.status).toBe(200)
  expect(response.headers.get('retry-after')).toMatch(/^\d+$/)
  expect(await response.text()).toMatch(
    /^:\n\nevent: next\ndata: \{"errors":\[.*"code":"RATE_LIMITED".*\]\}\n\nevent: complete\ndata:\n\n$/,
  )
})

test('as many streams as may be open are an event for one more', async () => {
  await using app = await startTestApp({ MAX_STREAMS_PER_ACCOUNT: '1' })
  const query = 'subscription { snapshotTransitions { to } }'
  const open = app.sse(query)
  const first = open.next()
  await expect.poll(() => app.hub.listeners).toBe(1)

  const [result] = await read(app, { query })

  expect(result?.errors?.map(({ extensions }) => extensions.code)).toEqual(['TOO_MANY_CONNECTIONS'])
  await announce(app, 1)
  await first
  await open.return()
})

test.each<[what: string, status: number, code: string, request: RequestInit]>([
  [
    'no valid credential',
    401,
    'UNAUTHENTICATED',
    { headers: { ...HEADERS, authorization: 'Bearer nothing' } },
  ],
  [
    'a body that is not JSON',
    415,
    'UNSUPPORTED_MEDIA_TYPE',
    { headers: { ...HEADERS, 'content-type': 'text/plain' } },
  ],
  [
    'GET by a page of another site',
    403,
    'FOREIGN_ORIGIN',
    { method: 'GET', headers: { accept: HEADERS.accept, origin: 'https://else.example' } },
  ],
  ['another method', 405, 'METHOD_NOT_ALLOWED', { method: 'DELETE', headers: HEADERS }],
])('%s has the status %d, whatever is accepted', async (_what, status, code, request) => {
  await using app = await startTestApp({ REQUIRE_CREDENTIALS: String(status === 401) })

  const response = await fetch(app.endpoint, { method: 'POST', ...request })

  expect(response.status).toBe(status)
  expect(await response.text()).toContain(code)
})
