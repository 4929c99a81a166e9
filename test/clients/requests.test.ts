import { createHash } from 'node:crypto'
import { ApolloClient, gql, HttpLink, InMemoryCache } from '@apollo/client'
import { PersistedQueryLink } from '@apollo/client/link/persisted-queries'
import { cacheExchange, Client, fetchExchange } from '@urql/core'
import { persistedExchange } from '@urql/exchange-persisted'
import { EventSource } from 'eventsource'
import { GraphQLClient } from 'graphql-request'
import { expect, test } from 'vitest'
import { startTestApp } from '../support/app.ts'

const QUERY = '{ viewer { account { name } } }'
const ANSWER = { viewer: { account: { name: 'local' } } }

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')

/** `fetch`, with the methods that it was called with. */
function noting() {
  const methods: string[] = []
  const noted = (input: string | URL | Request, init?: RequestInit) => {
    methods.push(init?.method ?? 'GET')
    return fetch(input, init)
  }
  return { methods, fetch: noted }
}

test('urql at its defaults queries by GET', async () => {
  await using app = await startTestApp()
  const { methods, fetch } = noting()
  const client = new Client({ url: app.endpoint, exchanges: [cacheExchange, fetchExchange], fetch })

  const { data, error } = await client.query(QUERY, {}).toPromise()

  expect([error, data, methods]).toEqual([
    undefined,
    { viewer: expect.objectContaining({ account: expect.objectContaining({ name: 'local' }) }) },
    ['GET'],
  ])
})

test('Apollo Client queries by GET with useGETForQueries', async () => {
  await using app = await startTestApp()
  const { methods, fetch } = noting()
  const link = new HttpLink({ uri: app.endpoint, useGETForQueries: true, fetch })
  const client = new ApolloClient({ link, cache: new InMemoryCache() })

  const { data } = await client.query({ query: gql(QUERY) })

  expect([data, methods]).toMatchObject([ANSWER, ['GET']])
})

test('graphql-request queries by GET', async () => {
  await using app = await startTestApp()
  const { methods, fetch } = noting()
  const client = new GraphQLClient(app.endpoint, { method: 'GET', fetch })

  expect([await client.request(QUERY), methods]).toEqual([ANSWER, ['GET']])
})

test('an EventSource receives the events of a subscription', async () => {
  await using app = await startTestApp()
  const disk = await app.disk()
  const query = 'subscription { snapshotTransitions { to } }'
  const source = new EventSource(`${app.endpoint}?query=${encodeURIComponent(query)}`)
  const received = new Promise<string>((resolve) =>
    source.addEventListener('next', ({ data }) => resolve(data)),
  )
  await expect.poll(() => app.hub.listeners).toBe(1)

  await app.snapshot(disk)

  expect(JSON.parse(await received)).toEqual({ data: { snapshotTransitions: { to: 'CREATING' } } })
  source.close()
})

test.each(['262144', '0'])(
  'Apollo Client falls back to the text of a persisted query, with PERSISTED_QUERY_BYTES=%s',
  async (PERSISTED_QUERY_BYTES) => {
    await using app = await startTestApp({ PERSISTED_QUERY_BYTES })
    const link = new PersistedQueryLink({ sha256 }).concat(new HttpLink({ uri: app.endpoint }))
    const client = () => new ApolloClient({ link, cache: new InMemoryCache() })

    for (let i = 0; i < 2; i++)
      expect(await client().query({ query: gql(QUERY) })).toMatchObject({ data: ANSWER })
  },
)

test.each(['262144', '0'])(
  'urql falls back to the text of a persisted query, with PERSISTED_QUERY_BYTES=%s',
  async (PERSISTED_QUERY_BYTES) => {
    await using app = await startTestApp({ PERSISTED_QUERY_BYTES })
    const exchanges = [persistedExchange({ generateHash: async (text) => sha256(text) }), fetchExchange]

    for (let i = 0; i < 2; i++) {
      const { data, error } = await new Client({ url: app.endpoint, exchanges }).query(QUERY, {}).toPromise()
      expect([error, data]).toMatchObject([undefined, ANSWER])
    }
  },
)
