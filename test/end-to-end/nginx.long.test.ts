import process from 'node:process'
import { setTimeout as pause } from 'node:timers/promises'
import { ApolloClient, gql, HttpLink, InMemoryCache } from '@apollo/client'
import { EventSource } from 'eventsource'
import { createClient } from 'graphql-sse'
import { describe, expect, test } from 'vitest'
import { startTestApp } from '../support/app.ts'
import { connectWebSocket, postGraphql } from '../support/clients.ts'
import { hasNginx, startDeployedNginx, startNginx } from '../support/nginx.ts'
import { askInParts, merged, partsIn } from '../support/parts.ts'
import { appendMany } from '../support/watch.ts'

const QUERY = 'subscription { snapshotTransitions { sequence } }'

/** The numbers of the events that Apollo Client's own HttpLink has received. */
function watchInParts(endpoint: string) {
  const client = new ApolloClient({ cache: new InMemoryCache(), link: new HttpLink({ uri: endpoint }) })
  const numbers: unknown[] = []
  const subscription = client.subscribe<any>({ query: gql(QUERY) }).subscribe({
    next: ({ data, error }) => numbers.push(error ?? data?.snapshotTransitions.sequence),
    complete: () => numbers.push('complete'),
  })
  return { numbers, [Symbol.dispose]: () => subscription.unsubscribe() }
}

/** The numbers of the events of a stream of server-sent events, or of a WebSocket. */
function watch(client: Pick<ReturnType<typeof createClient>, 'subscribe'>) {
  const numbers: unknown[] = []
  const end = client.subscribe<any>(
    { query: QUERY },
    {
      next: ({ data }) => numbers.push(data?.snapshotTransitions.sequence),
      error: (error) => numbers.push(error),
      complete: () => numbers.push('complete'),
    },
  )
  return { numbers, [Symbol.dispose]: end }
}

describe.skipIf(!hasNginx && process.env.CI === undefined)(
  'through nginx as in the documentation (skipped without nginx)',
  () => {
    test('with nothing but proxy_pass, each event of a stream arrives when it happens', async () => {
      await using app = await startTestApp()
      await using nginx = await startNginx(app.url, 'stock')
      const endpoint = `${nginx.url}/graphql`
      using events = watch(createClient({ url: endpoint, retryAttempts: 0 }))
      using parts = watchInParts(endpoint)
      await expect.poll(() => app.hub.listeners).toBe(2)

      const sent: number[] = []
      for (const sequence of [1, 2, 3]) {
        sent.push(sequence)
        await appendMany(app, 1)
        await expect.poll(() => [events.numbers, parts.numbers]).toEqual([sent, sent])
      }
    })

    test('with nothing but proxy_pass, a deferred part comes after what is ready', async () => {
      await using app = await startTestApp()
      await app.heldSnapshots(await app.disk(), 3)
      await using nginx = await startNginx(app.url, 'stock')
      const query = '{ disks { totalCount } ... @defer { snapshots { totalCount } } }'

      const response = await askInParts({ endpoint: `${nginx.url}/graphql` }, query)

      expect(response.headers.get('cache-control')).toBe('no-store, no-transform')
      const parts = await Array.fromAsync(partsIn(response))
      expect(parts.map(({ hasNext }) => hasNext)).toEqual([true, false])
      expect(merged(parts).data).toEqual({ disks: { totalCount: 1 }, snapshots: { totalCount: 3 } })
    })

    test('streams that are silent for longer than the idle timeout of nginx stay open', async () => {
      await using app = await startTestApp()
      await using nginx = await startNginx(app.url, 'stock', 'proxy_read_timeout 15s;')
      const statuses: number[] = []
      const source = new EventSource(`${nginx.url}/graphql?query=${encodeURIComponent(QUERY)}`, {
        fetch: async (url, init) => {
          const response = await fetch(url, init)
          statuses.push(response.status)
          return response
        },
      })
      const received = new Promise((resolve) => source.addEventListener('next', ({ data }) => resolve(data)))
      using parts = watchInParts(`${nginx.url}/graphql`)
      await expect.poll(() => app.hub.listeners).toBe(2)

      // The silence is what is tested.
      await pause(33_000)
      await appendMany(app, 1)

      expect(await received).toBe('{"data":{"snapshotTransitions":{"sequence":1}}}')
      expect(statuses).toEqual([200])
      await expect.poll(() => parts.numbers).toEqual([1])
      source.close()
    })

    test('with the block for WebSockets, queries and streams of each kind pass', async () => {
      await using app = await startTestApp()
      await using nginx = await startNginx(app.url, 'websocket')
      const endpoint = `${nginx.url}/graphql`
      const { token } = await app.token()
      const headers = { authorization: `Bearer ${token}` }
      await using socket = connectWebSocket(endpoint.replace('http', 'ws'), headers)
      using frames = watch(socket)
      using events = watch(createClient({ url: endpoint, retryAttempts: 0, headers }))
      await expect.poll(() => app.hub.listeners).toBe(2)

      expect((await postGraphql(endpoint, '{ viewer { role } }', {}, headers)).status).toBe(200)
      // A page of the proxy's own origin.
      const page = { ...headers, origin: nginx.url }
      const search = new URLSearchParams({ query: '{ viewer { role } }' })
      expect((await fetch(`${endpoint}?${search}`, { headers: page })).status).toBe(200)
      await appendMany(app, 1)
      await expect.poll(() => [frames.numbers, events.numbers]).toEqual([[1], [1]])
    })
  },
)

describe.skipIf(!hasNginx && process.env.CI === undefined)(
  'through nginx as it is deployed in front of several gateways (skipped without nginx)',
  () => {
    test('queries and streams of both kinds reach both gateways, and one that is gone is left out', async () => {
      await using stack = new AsyncDisposableStack()
      const [one, two] = [stack.use(await startTestApp()), stack.use(await startTestApp())]
      // Through a proxy, each request needs a credential; both have the same rows otherwise.
      const credentials = await Promise.all([one.token(), two.token()])
      const nginx = stack.use(await startDeployedNginx([one.url, two.url]))
      const endpoint = `${nginx.url}/graphql`
      const statuses = new Set<number>()
      const reached = [0, 0]
      for (let count = 0; count < 20; count++)
        for (const at of [0, 0, 1, 1] as const) {
          const { token } = credentials[at]
          const { status } = await postGraphql(
            endpoint,
            '{ viewer { role } }',
            {},
            { authorization: `Bearer ${token}` },
          )
          statuses.add(status)
          if (status === 200) reached[at] = (reached[at] ?? 0) + 1
        }
      expect([...statuses].toSorted()).toEqual([200, 401])
      expect(Math.min(...reached)).toBeGreaterThan(0)

      await two[Symbol.asyncDispose]()
      const headers = { authorization: `Bearer ${credentials[0].token}` }
      for (let count = 0; count < 10; count++)
        expect((await postGraphql(endpoint, '{ viewer { role } }', {}, headers)).status).toBe(200)
      const socket = stack.use(connectWebSocket(endpoint.replace('http', 'ws'), headers))
      const events = socket.iterate({ query: QUERY })
      const first = events.next()
      const client = createClient({ url: endpoint, retryAttempts: 0, headers })
      const others = client.iterate({ query: QUERY })
      const second = others.next()
      await expect.poll(() => one.hub.listeners).toBe(2)
      await appendMany(one, 1)
      const event = { value: { data: { snapshotTransitions: { sequence: 1 } } } }
      expect([await first, await second]).toMatchObject([event, event])
    })
  },
)
