import { setImmediate } from 'node:timers/promises'
import { expect } from 'vitest'
import { appendTransitions } from '../../src/transitions/append.ts'
import type { TestApp } from './app.ts'
import type { GraphqlError } from './clients.ts'

export const TRANSPORTS = ['WebSocket', 'server-sent events'] as const
export type Transport = (typeof TRANSPORTS)[number]

/** A subscription over either transport; leaving it disconnects its client. */
export async function* watch(
  app: TestApp,
  transport: Transport,
  query: string,
  variables: Record<string, unknown> = {},
): AsyncGenerator<{ data?: any; errors?: GraphqlError[] }, void> {
  if (transport === 'server-sent events') return yield* app.sse(query, variables)
  await using client = app.webSocket()
  for await (const { data, errors } of client.iterate({ query, variables })) {
    yield errors ? { data, errors: errors as unknown as GraphqlError[] } : { data }
  }
}

/** Appends the first transitions of `count` snapshots that exist in the log only, in one transaction, and wakes the hub. */
export async function appendMany(app: TestApp, count: number, reason: string | null = null): Promise<void> {
  await app.db.write((sql) =>
    appendTransitions(
      sql,
      ...Array.from({ length: count }, (_, index) => ({
        accountId: app.viewer.accountId,
        snapshotId: `s-only-in-log-${index}`,
        snapshotName: null,
        snapshotType: null,
        diskId: 'v-onlyinlog',
        from: null,
        to: 'CREATING' as const,
        reason,
        at: new Date(0),
      })),
    ),
  )
  app.hub.wake()
}

export const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i)

/** The numbers that a watch of `snapshotTransitions` gives, to the last one, which may be known later; then it is left. */
export async function numbersTo(
  last: number | (() => number | undefined),
  events: AsyncIterable<{ data?: any; errors?: unknown }>,
): Promise<number[]> {
  const numbers: number[] = []
  for await (const { data, errors } of events) {
    if (errors) throw new Error(JSON.stringify(errors))
    numbers.push(data.snapshotTransitions.sequence as number)
    if (numbers.at(-1) === (typeof last === 'function' ? last() : last)) break
  }
  return numbers
}

/**
 * Writes transactions of `burst` transitions as fast as it can. While it does, streams of every kind read the cursor of
 * a list and watch from there, some at once, others when the writer is further on. Each must see everything after its
 * cursor, once, in order. Returns where they began and where all ended.
 */
export async function joinWhileWriting(
  app: TestApp,
  { streams, burst }: { streams: number; burst: number },
): Promise<{ froms: number[]; last: number }> {
  const query = `subscription ($after: String) { snapshotTransitions(after: $after) { sequence } }`
  const furtherOn: { at: number; resolve: (value: undefined) => void }[] = []
  let written = 0
  let watching = 0
  let ended = false

  async function join(kind: number): Promise<number> {
    const { data } = await app.graphql(`{ snapshots(first: 1) { streamCursor } }`)
    const after = data.snapshots.streamCursor as string
    const from = app.transitions.parse(after, app.viewer) as number
    if (kind % 2 === 1) {
      await new Promise((resolve) => furtherOn.push({ at: written + 20 * burst, resolve }))
    }
    const events = watch(app, TRANSPORTS[kind % 4 < 2 ? 0 : 1], query, { after })
    watching++
    const got = await numbersTo(() => (ended ? written : undefined), events)
    expect(got).toEqual(range(from + 1, got.at(-1) ?? 0))
    expect(got.at(-1)).toBe(written)
    return from
  }

  const joined: Promise<number>[] = []
  for (let i = 0; watching < streams; i++) {
    if (i % 2 === 0 && joined.length < streams) joined.push(join(joined.length))
    await appendMany(app, burst)
    written += burst
    // SQLite answers without waiting for anything: let the network have its turn.
    await setImmediate()
    for (const waiting of furtherOn) if (waiting.at <= written) waiting.resolve(undefined)
  }
  ended = true
  written += burst
  await appendMany(app, burst)
  const froms = await Promise.all(joined)
  await expect.poll(() => app.hub.listeners).toBe(0)
  return { froms, last: written }
}
