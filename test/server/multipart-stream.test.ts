import { ApolloClient, gql, HttpLink, InMemoryCache } from '@apollo/client'
import { CombinedProtocolErrors } from '@apollo/client/errors'
import { expect, test } from 'vitest'
import { startTestApp, type TestApp } from '../support/app.ts'
import { cursorAt } from '../support/cursors.ts'
import { createMemoryProvider } from '../support/memory-provider.ts'
import { askInParts } from '../support/parts.ts'
import { runnerOf } from '../support/runner.ts'
import { announce, MULTIPART } from '../support/subscribers.ts'

const WATCH = 'subscription ($after: String) { snapshotTransitions(after: $after) { sequence } }'
const STATUS = 'subscription ($id: ID!) { snapshotStatus(id: $id) { to } }'

interface Seen {
  results: any[]
  end?: 'complete' | Error
}

/** What Apollo Client's own HttpLink makes of a subscription. */
function subscribe(app: TestApp, query: string, variables: object = {}, token?: string) {
  const headers: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` }
  const client = new ApolloClient({
    cache: new InMemoryCache(),
    link: new HttpLink({ uri: app.endpoint, headers }),
  })
  const seen: Seen = { results: [] }
  const subscription = client.subscribe<any>({ query: gql(query), variables }).subscribe({
    next: ({ data, error }) => seen.results.push(error ?? data),
    error: (error: Error) => (seen.end = error),
    complete: () => (seen.end = 'complete'),
  })
  return { seen, [Symbol.dispose]: () => subscription.unsubscribe() }
}

const post = (app: TestApp, accept: string, query: string, variables: object = {}, token?: string) =>
  askInParts(app, query, variables, { accept, ...(token !== undefined && { token }) })

test('a multipart stream is a part for each result between heartbeats, and ends with the closing boundary', async () => {
  await using app = await startTestApp()
  await using runner = runnerOf(app, createMemoryProvider({ immediate: true }))
  const id = await app.snapshot(await app.disk())
  await runner.tick()

  const response = await post(app, MULTIPART, STATUS, { id })

  expect(response.status).toBe(200)
  expect(Object.fromEntries(response.headers)).toMatchObject({
    'content-type': 'multipart/mixed;boundary="graphql";subscriptionSpec="1.0"',
    'cache-control': 'no-store, no-transform',
    'x-accel-buffering': 'no',
  })
  const part = (json: string) => `\r\n--graphql\r\ncontent-type: application/json\r\n\r\n${json}`
  expect(await response.text()).toBe(
    [
      part('{}'),
      part('{"payload":{"data":{"snapshotStatus":{"to":"CREATING"}}}}'),
      part('{"payload":{"data":{"snapshotStatus":{"to":"COMPLETED"}}}}'),
      '\r\n--graphql--\r\n',
    ].join(''),
  )
})

test('Apollo Client watches over HTTP, resumes after a cursor, and completes', async () => {
  await using app = await startTestApp()
  await announce(app, 3)
  using resumed = subscribe(app, WATCH, { after: cursorAt(app, 1) })
  using live = subscribe(app, WATCH)
  await expect.poll(() => app.hub.listeners).toBe(2)
  await announce(app, 2)
  const numbers = ({ seen }: typeof live) =>
    seen.results.map(({ snapshotTransitions }) => snapshotTransitions.sequence as number)
  await expect
    .poll(() => [numbers(resumed), numbers(live)])
    .toEqual([
      [2, 3, 4, 5],
      [4, 5],
    ])

  const id = await app.snapshot(await app.disk())
  using status = subscribe(app, STATUS, { id })
  await expect.poll(() => status.seen.results.length).toBe(1)
  await app.runner.tick()
  await expect.poll(() => status.seen.end).toBe('complete')
  expect(status.seen.results).toEqual([
    { snapshotStatus: { __typename: 'SnapshotTransition', to: 'CREATING' } },
    { snapshotStatus: { __typename: 'SnapshotTransition', to: 'COMPLETED' } },
  ])
})

test('Apollo Client that unsubscribes ends its multipart stream', async () => {
  await using app = await startTestApp()
  {
    using live = subscribe(app, WATCH)
    await expect.poll(() => app.hub.listeners).toBe(1)
    expect(live.seen.end).toBeUndefined()
  }
  await expect.poll(() => app.hub.listeners).toBe(0)
})

test('Apollo Client learns of a failure: before the stream by its code, and in it as an error of the protocol', async () => {
  await using app = await startTestApp()
  const { token, id } = await app.token('VIEWER')
  using missing = subscribe(app, STATUS, { id: 's-missing00' }, token)
  await expect.poll(() => missing.seen.results.length).toBe(1)
  expect(missing.seen.results[0].errors[0].extensions.code).toBe('NOT_FOUND')

  using live = subscribe(app, WATCH, {}, token)
  await expect.poll(() => app.hub.listeners).toBe(1)
  await app.tokens.revoke({ accountId: app.viewer.accountId }, id)
  await expect.poll(() => live.seen.results.length + (live.seen.end ? 1 : 0)).toBeGreaterThan(0)
  const [error = live.seen.end] = live.seen.results
  if (!CombinedProtocolErrors.is(error)) throw new Error(`This is no error of the protocol: ${String(error)}`)
  expect(error.errors[0]?.extensions?.['code']).toBe('UNAUTHENTICATED')
})
