import { ApolloClient, gql, HttpLink, InMemoryCache, type TypedDocumentNode } from '@apollo/client'
import { createClient as createUrql, fetchExchange } from '@urql/core'
import { EventSource } from 'eventsource'
import { GraphQLClient } from 'graphql-request'
import { createClient as createSse } from 'graphql-sse'
import { expect, test } from 'vitest'
import { startTestApp, type TestApp } from '../support/app.ts'
import { MULTIPART } from '../support/subscribers.ts'

const JSON_TYPE = 'application/json; charset=utf-8'
const GRAPHQL = 'application/graphql-response+json; charset=utf-8'
const EVENTS = 'text/event-stream'
/** A query in parts, of which there is one. */
const MIXED = 'multipart/mixed; boundary="-"'
const PARTS = 'multipart/mixed;boundary="graphql";subscriptionSpec="1.0"'

const KINDS = {
  data: '{ disks { totalCount } }',
  invalid: '{ nothing }',
  stream: 'subscription { snapshotTransitions { sequence } }',
} as const

type Answer = [contentType: string | null, status: number]

/** What is answered to each kind of operation. */
const TABLE: [accept: string | undefined, data: Answer, invalid: Answer, stream: Answer][] = [
  // What a client that says nothing else, curl or a fetch as in the documentation of Relay, accepts.
  [undefined, [JSON_TYPE, 200], [JSON_TYPE, 200], [EVENTS, 200]],
  ['*/*', [JSON_TYPE, 200], [JSON_TYPE, 200], [EVENTS, 200]],
  ['application/json', [JSON_TYPE, 200], [JSON_TYPE, 200], [JSON_TYPE, 406]],
  ['application/graphql-response+json', [GRAPHQL, 200], [GRAPHQL, 400], [JSON_TYPE, 406]],
  [
    'application/graphql-response+json, application/json;q=0.9',
    [GRAPHQL, 200],
    [GRAPHQL, 400],
    [JSON_TYPE, 406],
  ],
  [
    'application/json;q=0.9, application/graphql-response+json',
    [GRAPHQL, 200],
    [GRAPHQL, 400],
    [JSON_TYPE, 406],
  ],
  [
    'application/graphql-response+json;q=0, application/json',
    [JSON_TYPE, 200],
    [JSON_TYPE, 200],
    [JSON_TYPE, 406],
  ],
  [
    'application/json, application/graphql-response+json;q=0.2',
    [JSON_TYPE, 200],
    [JSON_TYPE, 200],
    [JSON_TYPE, 406],
  ],
  ['text/event-stream', [EVENTS, 200], [EVENTS, 200], [EVENTS, 200]],
  [`${MULTIPART},application/json`, [JSON_TYPE, 200], [JSON_TYPE, 200], [PARTS, 200]],
  ['multipart/mixed;subscriptionSpec="1.0", text/event-stream', [MIXED, 200], [MIXED, 400], [PARTS, 200]],
  ['text/event-stream, multipart/mixed;subscriptionSpec=1.0', [MIXED, 200], [MIXED, 400], [EVENTS, 200]],
  ['text/event-stream;q=0.5, multipart/mixed;subscriptionSpec=1.0', [MIXED, 200], [MIXED, 400], [PARTS, 200]],
  [
    'application/json, multipart/mixed;subscriptionSpec=2.0',
    [JSON_TYPE, 200],
    [JSON_TYPE, 200],
    [JSON_TYPE, 406],
  ],
  ['image/png', [JSON_TYPE, 406], [JSON_TYPE, 406], [JSON_TYPE, 406]],
]

async function ask(app: TestApp, accept: string | undefined, query: string): Promise<Answer> {
  const left = new AbortController()
  const response = await fetch(app.endpoint, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(accept !== undefined && { accept }) },
    body: JSON.stringify({ query }),
    signal: left.signal,
  })
  left.abort()
  return [response.headers.get('content-type'), response.status]
}

test('the header Accept decides the media type and the status of each kind of answer', async () => {
  await using app = await startTestApp()
  const rows = []
  for (const [accept] of TABLE) {
    const [data, again] = [await ask(app, accept, KINDS.data), await ask(app, accept, KINDS.data)]
    // The second one may be answered without Yoga.
    expect([accept, again]).toEqual([accept, data])
    rows.push([accept, data, await ask(app, accept, KINDS.invalid), await ask(app, accept, KINDS.stream)])
  }
  expect(rows).toEqual(TABLE)
})

test('each client gets the media type that it is made for', async () => {
  await using app = await startTestApp()
  const seen: [accept: string | null, ...Answer][] = []
  const watched: typeof fetch = async (url, init) => {
    const response = await fetch(url, init)
    seen.push([
      new Headers(init?.headers).get('accept'),
      response.headers.get('content-type'),
      response.status,
    ])
    return response
  }
  /** What has been answered since, once that many answers have begun. */
  const types = async (count: number) => {
    await expect.poll(() => seen.length).toBe(count)
    return seen.splice(0).map(([, ...answer]) => answer)
  }

  const apollo = new ApolloClient({
    cache: new InMemoryCache(),
    link: new HttpLink({ uri: app.endpoint, fetch: watched }),
  })
  expect(
    (await apollo.query({ query: gql(KINDS.data) as TypedDocumentNode<any> })).data.disks.totalCount,
  ).toBe(0)
  const apolloStream = apollo.subscribe({ query: gql(KINDS.stream) }).subscribe(() => undefined)
  expect(await types(2)).toEqual([
    [GRAPHQL, 200],
    [PARTS, 200],
  ])
  apolloStream.unsubscribe()

  const urql = createUrql({
    url: app.endpoint,
    exchanges: [fetchExchange],
    fetchSubscriptions: true,
    preferGetMethod: false,
    fetch: watched,
  })
  expect((await urql.query(KINDS.data, {})).data.disks.totalCount).toBe(0)
  await expect.poll(() => app.hub.listeners).toBe(0)
  const urqlStream = urql.subscription(KINDS.stream, {}).subscribe(() => undefined)
  expect(await types(2)).toEqual([
    [GRAPHQL, 200],
    [EVENTS, 200],
  ])
  urqlStream.unsubscribe()

  const graphqlRequest = new GraphQLClient(app.endpoint, { fetch: watched })
  expect(await graphqlRequest.request(KINDS.data)).toEqual({ disks: { totalCount: 0 } })
  expect(await types(1)).toEqual([[GRAPHQL, 200]])

  const sse = createSse({ url: app.endpoint, fetchFn: watched, retryAttempts: 0 })
  expect(await Array.fromAsync(sse.iterate({ query: KINDS.data }))).toMatchObject([
    { data: { disks: { totalCount: 0 } } },
  ])
  sse.dispose()
  expect(await types(1)).toEqual([[EVENTS, 200]])

  await expect.poll(() => app.hub.listeners).toBe(0)
  const source = new EventSource(`${app.endpoint}?query=${encodeURIComponent(KINDS.stream)}`, {
    fetch: (url, init) => watched(url, init),
  })
  expect(await types(1)).toEqual([[EVENTS, 200]])
  source.close()
})
