import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { Metrics } from '../../src/observability/metrics.ts'
import { watchedCloud } from '../../src/observability/watched-provider.ts'
import { createBaiduCloud } from '../../src/providers/baidu/baidu.ts'
import { createUpstream } from '../../src/providers/cloud/upstream.ts'
import { create } from '../providers/cloud/contract.ts'
import { startTestApp } from '../support/app.ts'
import { streamEvents } from '../support/clients.ts'
import { BAIDU_KEY, baiduDialect } from '../support/fake-cloud/baidu.ts'
import { FakeCloud } from '../support/fake-cloud/engine.ts'
import { serve } from '../support/fake-cloud/server.ts'
import { labelled, operations, scrape } from '../support/metrics.ts'
import { announce, sequences, subscriber, TRANSPORTS } from '../support/subscribers.ts'

const METRICS = '127.0.0.1:0'

test('the metrics are on an address of their own, and not on that of the API', async () => {
  await using app = await startTestApp({ METRICS })
  const own = await fetch(app.metricsUrl ?? '')

  expect([own.status, own.headers.get('content-type')]).toEqual([
    200,
    'text/plain; version=0.0.4; charset=utf-8',
  ])
  expect((await fetch(new URL('/else', app.metricsUrl))).status).toBe(404)
  expect((await fetch(`${app.url}/metrics`)).status).toBe(404)
  await using without = await startTestApp()
  expect(without.metricsUrl).toBeUndefined()
})

test('docs/observability.md has every metric that is served, and no other', async () => {
  await using app = await startTestApp({ METRICS })
  await app.runner.tick()
  const text = await (await fetch(app.metricsUrl ?? '')).text()
  const served = [...text.matchAll(/^# TYPE (snapgate_\w+)/gm)].map(([, name]) => name)
  const documentation = await readFile(new URL('../../docs/observability.md', import.meta.url), 'utf8')
  const documented = [...documentation.matchAll(/^\| `(snapgate_\w+)`/gm)].map(([, name]) => name)

  expect(documented.toSorted()).toEqual(served.toSorted())
})

test('an address that cannot be listened on stops the start, and names the setting', async () => {
  await using app = await startTestApp({ METRICS })
  const { host } = new URL(app.metricsUrl ?? '')

  await expect(startTestApp({ METRICS: host })).rejects.toThrow(`METRICS: cannot listen on ${host}`)
})

test('operations are counted by their root field, on the fast path like everywhere else', async () => {
  await using app = await startTestApp({ METRICS, ANSWER_CACHE_BYTES: '1000000', MAX_COST: '5000' })
  for (let count = 0; count < 5; count++) await app.graphql('query Own { viewer { role } }')
  await app.graphql('{ viewer { role } disks { nodes { id } } }')
  await app.graphql('{ nothing }')
  await app.graphql('query ($id: Int!) { disk(id: $id) { id } }', { id: 1 })
  await app.graphql('{ disks(first: 100) { nodes { snapshots(first: 100) { nodes { id } } } } }')
  const client = app.webSocket()
  await Array.fromAsync(client.iterate({ query: '{ viewer { role } }' }))
  await client.dispose()

  await expect
    .poll(async () => {
      const samples = await scrape(app)
      return Object.fromEntries([...samples].filter(([name]) => name.startsWith('snapgate_operations_total')))
    })
    .toEqual({
      [operations('viewer', 'query')]: 5,
      [operations('viewer', 'query', 'OK', 'websocket')]: 1,
      [operations('several', 'query')]: 1,
      [operations('none', 'none', 'GRAPHQL_VALIDATION_FAILED')]: 2,
      [operations('disks', 'query', 'COST_LIMIT_EXCEEDED')]: 1,
    })
  const samples = await scrape(app)
  const labels = { operation: 'viewer', kind: 'query', transport: 'http' }
  expect(samples.get(labelled('snapgate_operation_duration_seconds_count', labels))).toBe(5)
  expect(samples.get(labelled('snapgate_operation_duration_seconds_bucket', { ...labels, le: '+Inf' }))).toBe(
    5,
  )
  expect(samples.get(labelled('snapgate_operation_duration_seconds_sum', labels))).toBeGreaterThan(0)
  expect(samples.get(labelled('snapgate_operation_cost_points_total', labels))).toBeGreaterThan(0)
  expect(samples.get('snapgate_errors_total{code="GRAPHQL_VALIDATION_FAILED"}')).toBe(2)
})

test('errors before there is an operation are counted by code', async () => {
  await using app = await startTestApp({ METRICS })
  await app.token()
  await app.graphql('{ viewer { role } }')
  await fetch(`${app.url}/nowhere`, { headers: { authorization: 'Bearer x' } })
  const client = app.client('Bearer x').webSocket()
  await expect(Array.fromAsync(client.iterate({ query: '{ __typename }' }))).rejects.toMatchObject({
    code: 4403,
  })

  const samples = await scrape(app)
  expect(samples.get('snapgate_errors_total{code="UNAUTHENTICATED"}')).toBe(2)
  expect(samples.get('snapgate_errors_total{code="NOT_FOUND"}')).toBe(1)
})

test('subscriptions are counted while they are open, with what they were sent', async () => {
  await using app = await startTestApp({ METRICS })
  const id = await app.snapshot(await app.disk())
  const query = 'subscription ($id: ID!) { snapshotStatus(id: $id) { to } }'
  const open = labelled('snapgate_subscriptions', { operation: 'snapshotStatus', transport: 'sse' })
  const events = streamEvents(app.endpoint, query, { id })
  await events.next()

  const during = await scrape(app)
  expect([during.get(open), during.get('snapgate_connections{transport="sse"}')]).toEqual([1, 1])
  const rest = Array.fromAsync(events)
  await app.runner.tick()
  await rest

  await expect.poll(async () => (await scrape(app)).get(open)).toBe(0)
  const after = await scrape(app)
  const ended = { operation: 'snapshotStatus', transport: 'sse', outcome: 'OK' }
  expect(after.get(labelled('snapgate_subscriptions_ended_total', ended))).toBe(1)
  const sent = after.get('snapgate_events_sent_total') ?? 0
  const replayed = after.get('snapgate_events_replayed_total') ?? 0
  expect([sent + replayed, replayed]).toEqual([2, 1])
  expect([after.get('snapgate_events_dropped_total'), after.get('snapgate_slow_consumers_total')]).toEqual([
    0, 0,
  ])
  expect(after.get('snapgate_stream_buffer_fill_ratio')).toBe(0)
})

test('jobs, copied bytes, commits, snapshots by status, refusals of quotas and the logs are in the metrics', async () => {
  await using app = await startTestApp({ METRICS, SNAPSHOT_QUOTA_MANUAL: '1' })
  const disk = await app.disk({ dataMiB: 2 })
  await app.snapshot(disk)
  const queued = await scrape(app)
  expect(queued.get(labelled('snapgate_jobs', { kind: 'COPY_SNAPSHOT', state: 'queued' }))).toBe(1)
  expect(queued.get('snapgate_snapshots{status="CREATING"}')).toBe(1)

  await app.runner.tick()
  await expect(app.snapshot(disk)).rejects.toThrow('1 of 1')

  const samples = await scrape(app)
  const of = (name: string, labels: Record<string, string>) => samples.get(labelled(name, labels))
  expect(of('snapgate_jobs', { kind: 'COPY_SNAPSHOT', state: 'queued' })).toBe(0)
  expect([
    of('snapgate_snapshots', { status: 'CREATING' }),
    of('snapgate_snapshots', { status: 'COMPLETED' }),
  ]).toEqual([0, 1])
  expect(of('snapgate_job_duration_seconds_count', { kind: 'COPY_SNAPSHOT', outcome: 'copied' })).toBe(1)
  expect(of('snapgate_provider_bytes_total', { provider: 'local', operation: 'copy' })).toBe(2 * 1024 ** 2)
  expect(
    of('snapgate_provider_call_duration_seconds_count', {
      provider: 'local',
      operation: 'copy',
      outcome: 'copied',
    }),
  ).toBe(1)
  expect(of('snapgate_refusals_total', { code: 'SNAPSHOT_QUOTA_EXCEEDED' })).toBe(1)
  expect(samples.get('snapgate_database_commit_seconds_count')).toBeGreaterThan(2)
  expect(samples.get('snapgate_database_wal_bytes')).toBeGreaterThan(0)
  expect(samples.get('snapgate_database_up')).toBe(1)
  expect(of('snapgate_transition_log_head', { log: 'SNAPSHOT' })).toBe(2)
  expect(of('snapgate_transition_log_pruned', { log: 'SNAPSHOT' })).toBe(0)
  for (const name of [
    'nodejs_eventloop_lag_p99_seconds',
    'process_resident_memory_bytes',
    'nodejs_heap_size_used_bytes',
  ])
    expect(samples.get(name)).toBeGreaterThanOrEqual(0)
})

test.each(TRANSPORTS)(
  'a client that stops reading over %s is in the metrics while it lags, and when its stream is ended',
  async (transport) => {
    await using app = await startTestApp({
      METRICS,
      STREAM_BUFFER_EVENTS: '50',
      STREAM_BUFFER_BYTES: String(1024 ** 3),
    })
    const one = subscriber(app, transport, 'subscription { snapshotTransitions { reason } }')
    const healthy = subscriber(app, transport, 'subscription { snapshotTransitions { sequence } }')
    await expect.poll(() => app.hub.groups.counts.members).toBe(2)
    one.stall()
    let lagging = { streams: 0, fill: 0 }
    const reason = 'x'.repeat(64 * 1024)
    for (let written = 10; app.hub.listeners > 1; written += 10) {
      expect(written).toBeLessThan(2_000)
      await announce(app, 10, { reason })
      await expect.poll(() => sequences(healthy).at(-1), { interval: 5 }).toBe(written)
      const samples = await scrape(app)
      const fill = samples.get('snapgate_stream_buffer_fill_ratio') ?? 0
      if (fill > 0) lagging = { streams: samples.get('snapgate_streams_lagging') ?? 0, fill }
    }

    expect(lagging.streams).toBe(1)
    expect(lagging.fill).toBeLessThanOrEqual(1)
    const samples = await scrape(app)
    expect(samples.get('snapgate_slow_consumers_total')).toBe(1)
    expect(samples.get('snapgate_events_dropped_total')).toBeGreaterThan(0)
    expect(samples.get('snapgate_events_sent_total')).toBeGreaterThan(0)
    expect(samples.get('snapgate_errors_total{code="SLOW_CONSUMER"}')).toBe(1)
    const labels = {
      operation: 'snapshotTransitions',
      transport: transport === 'WebSocket' ? 'websocket' : 'sse',
      outcome: 'SLOW_CONSUMER',
    }
    expect(samples.get(labelled('snapgate_subscriptions_ended_total', labels))).toBe(1)
    for (const each of [one, healthy]) each.vanish()
  },
)

test('calls of a cloud are counted by provider, operation and outcome: answers, refusals, throttling and faults', async () => {
  const cloud = new FakeCloud()
  await using server = await serve(cloud, baiduDialect())
  const metrics = new Metrics()
  const client = watchedCloud(
    createBaiduCloud({
      endpoint: server.url,
      key: () => Promise.resolve(BAIDU_KEY),
      upstream: createUpstream({ domains: [], hosts: [server.url.host] }),
      now: () => new Date(cloud.now()),
    }),
    metrics,
  )
  const { signal } = new AbortController()
  const disk = cloud.disk('v', 'Available')
  cloud.snapshotLimit = 1

  await client.listDisks(undefined, signal)
  await client.submit(create(disk, 'first'), signal)
  await client.submit(create(disk, 'second'), signal)
  cloud.faults.everything = { status: 429, body: '{"code":"RequestLimitExceeded","message":"slow down"}' }
  await expect(client.listDisks(undefined, signal)).rejects.toMatchObject({ class: 'THROTTLED' })
  cloud.faults.everything = { status: 503, body: '' }
  await expect(client.listDisks(undefined, signal)).rejects.toThrow()

  const { values } = await metrics.providerSeconds.get()
  expect(
    values
      .filter(({ metricName }) => metricName?.endsWith('_count'))
      .map(({ labels, value }) => [labels.provider, labels.operation, labels.outcome, value]),
  ).toEqual([
    ['baidu', 'listDisks', 'done', 1],
    ['baidu', 'submit', 'accepted', 1],
    ['baidu', 'submit', 'refused', 1],
    ['baidu', 'listDisks', 'throttled', 1],
    ['baidu', 'listDisks', 'passing', 1],
  ])
})

test('nothing that a client sends becomes a label: routes, methods, names, ids of documents and codes', async () => {
  await using app = await startTestApp({ METRICS, PERSISTED_QUERY_BYTES: '262144' })
  const label = 'evil_label'
  const post = (body: object) =>
    fetch(app.endpoint, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'graphql-client-name': label,
        'apollographql-client-version': label,
        'x-request-id': label,
        traceparent: label,
      },
      body: JSON.stringify(body),
    }).then((response) => response.text())
  const query = `query ${label} { ${label}: viewer { role } }`
  const sha256Hash = createHash('sha256').update(query).digest('hex')
  await post({ query, operationName: label })
  await post({ query, operationName: 'other' })
  await post({ query, extensions: { persistedQuery: { version: 1, sha256Hash } } })
  await post({ extensions: { persistedQuery: { version: 1, sha256Hash } } })
  await post({ documentId: label })
  await post({ query: `{ ${label} }` })
  await post({ query: `mutation ${label} { ${label} }` })
  await fetch(`${app.url}/${label}`)
  await fetch(`${app.url}/readyz/${label}`)
  await fetch(`${app.endpoint}?query={${label}}`, { method: 'PATCH' })
  const client = app.webSocket()
  await Array.fromAsync(client.iterate({ query })).catch(() => undefined)
  await Array.fromAsync(client.iterate({ query: `subscription ${label} { ${label} }` })).catch(
    () => undefined,
  )
  await client.dispose()

  const text = await (await fetch(app.metricsUrl ?? '')).text()
  expect(text).toContain('operation="viewer"')
  expect(text).not.toContain(label)
  expect(text).not.toContain(sha256Hash)
})
