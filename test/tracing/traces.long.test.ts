import { mkdtempDisposable } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { createClient } from 'graphql-ws'
import { expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { exportsSpans } from '../../src/tracing/export.ts'
import { createSnapshot, postGraphql, streamEvents } from '../support/clients.ts'
import { startReceiver, type ReceivedSpan } from '../support/otlp.ts'
import { startGateway } from '../support/process.ts'

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736'
const PARENT = '00f067aa0ba902b7'
const TRACEPARENT = `00-${TRACE}-${PARENT}-01`
const DISK = { id: 'v-ordersdb' }
const ENDED = 'subscription ($id: ID!) { snapshotStatus(id: $id) { to } }'

/** The traces that the transitions of a snapshot carry. */
function tracesOf(dataDir: string, snapshotId: string): unknown[] {
  const db = new Database(join(dataDir, 'snapgate.db'), { readonly: true })
  const rows = db
    .prepare(
      `SELECT "to", "traceparent" FROM "SnapshotTransition" WHERE "snapshotId" = ? ORDER BY "position"`,
    )
    .all(snapshotId)
  db.close()
  return rows
}

test('an operation, its transactions, its job and the calls of the provider are one trace, at a receiver of OTLP', async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'snapgate-'))
  await using receiver = await startReceiver()
  await using gateway = await startGateway({
    DATA_DIR: folder.path,
    OTEL_EXPORTER_OTLP_ENDPOINT: receiver.endpoint,
    OTEL_EXPORTER_OTLP_HEADERS: 'x-tenant=acme',
    OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment.name=test',
    OTEL_BSP_SCHEDULE_DELAY: '100',
  })
  const id = await createSnapshot(
    (query, variables) => postGraphql(gateway.endpoint, query, variables, { traceparent: TRACEPARENT }),
    DISK,
    { name: 'a-secret-name' },
  )
  await Array.fromAsync(streamEvents(gateway.endpoint, ENDED, { id }))
  expect(await gateway.stop()).toBe(0)

  const spans = receiver.spans.filter(({ traceId }) => traceId === TRACE)
  const [operation, ...others] = spans.filter(({ parentSpanId }) => parentSpanId === PARENT)
  expect(others.filter(({ name }) => name.startsWith('mutation'))).toEqual([])
  expect(operation).toMatchObject({
    name: 'mutation createSnapshot',
    attributes: {
      'graphql.operation.type': 'mutation',
      'snapgate.transport': 'http',
      'snapgate.outcome': 'OK',
    },
  })
  const under = (name: string) =>
    spans.filter((span) => span.name === name).map((span) => parents(spans, span))
  expect(under('database transaction')).toContainEqual(['mutation createSnapshot'])
  expect(under('job COPY_SNAPSHOT')).toEqual([['database transaction', 'mutation createSnapshot']])
  expect(under('provider copy')).toEqual([
    ['job COPY_SNAPSHOT', 'database transaction', 'mutation createSnapshot'],
  ])
  expect(receiver.requests[0]).toMatchObject({ path: '/v1/traces', headers: { 'x-tenant': 'acme' } })
  expect(receiver.resources[0]).toMatchObject({
    'service.name': 'snapgate',
    'deployment.environment.name': 'test',
  })
  expect(tracesOf(folder.path, id)).toEqual([
    { to: 'CREATING', traceparent: expect.stringContaining(TRACE) },
    { to: 'COMPLETED', traceparent: expect.stringContaining(TRACE) },
  ])
  // Neither variables nor their values leave the process.
  expect(receiver.requests.filter(({ body }) => body.includes('a-secret-name'))).toEqual([])
})

/** The names of the spans above a span, from the nearest on. */
function parents(spans: readonly ReceivedSpan[], { parentSpanId }: ReceivedSpan): string[] {
  const parent = spans.find(({ spanId }) => spanId === parentSpanId)
  return parent ? [parent.name, ...parents(spans, parent)] : []
}

test('without an endpoint, nothing is exported, and transitions carry the trace of connection_init all the same', async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'snapgate-'))
  await using gateway = await startGateway({ DATA_DIR: folder.path })
  const client = createClient({
    url: gateway.endpoint.replace('http', 'ws'),
    webSocketImpl: WebSocket,
    connectionParams: { traceparent: TRACEPARENT },
  })
  const id = await createSnapshot(async (query, variables) => {
    const { value } = await client.iterate({ query, variables }).next()
    return value as Awaited<ReturnType<typeof postGraphql>>
  }, DISK)
  await Array.fromAsync(streamEvents(gateway.endpoint, ENDED, { id }))
  await client.dispose()
  expect(await gateway.stop()).toBe(0)

  expect(tracesOf(folder.path, id)).toEqual([
    { to: 'CREATING', traceparent: expect.stringContaining(TRACE) },
    { to: 'COMPLETED', traceparent: expect.stringContaining(TRACE) },
  ])
})

test('the standard variables decide whether spans are exported', () => {
  const endpoint = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://localhost:4318' }

  expect(exportsSpans({})).toBe(false)
  expect(exportsSpans({ OTEL_EXPORTER_OTLP_ENDPOINT: '' })).toBe(false)
  expect(exportsSpans(endpoint)).toBe(true)
  expect(exportsSpans({ OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://localhost:4318/v1/traces' })).toBe(true)
  expect(exportsSpans({ ...endpoint, OTEL_SDK_DISABLED: 'true' })).toBe(false)
  expect(exportsSpans({ ...endpoint, OTEL_TRACES_EXPORTER: 'none' })).toBe(false)
})
