import { statSync } from 'node:fs'
import { collectDefaultMetrics, Counter, Gauge, type Registry } from 'prom-client'
import type { Database } from '../database/database.ts'
import { JOB_KINDS } from '../domain/job.ts'
import { SNAPSHOT_STATUSES } from '../domain/snapshot.ts'
import { Prisma } from '../generated/prisma/client.ts'

/** What is read when the metrics are scraped. */
export interface Sources {
  db: Pick<Database, 'reader' | 'path' | 'health' | 'logBound'>
  version: string
  now: () => Date
  /** The last position of each log of transitions. */
  logHeads: Record<'SNAPSHOT' | 'DISK', () => number>
  /** What all streams have sent since the start. */
  traffic: { sent: number; replayed: number; dropped: number; slowConsumers: number }
  usage: () => Promise<{ connections: Record<string, number>; fullestBuffer: number; lagging: number }>
}

/** Registers the metrics that are read when they are asked for, those of the process among them. */
export function registerGauges(registry: Registry, sources: Sources): void {
  collectDefaultMetrics({ register: registry })
  new Gauge({
    name: 'snapgate_build_info',
    help: 'Always 1; its label is the version.',
    labelNames: ['version'],
    registers: [registry],
  }).set({ version: sources.version }, 1)
  registerServer(registry, sources)
  registerDatabase(registry, sources)
  registerCounts(registry, sources)
  registerCredentials(registry, sources)
}

function registerServer(registry: Registry, { traffic, usage }: Sources): void {
  const registers = [registry]
  let known: ReturnType<typeof usage> | undefined
  /** The same for all gauges of one scrape. */
  const once = () => (known ??= usage().finally(() => setImmediate(() => (known = undefined))))
  new Gauge({
    name: 'snapgate_connections',
    help: 'Open connections, by transport.',
    labelNames: ['transport'],
    registers,
    async collect() {
      const { connections } = await once()
      for (const [transport, count] of Object.entries(connections)) this.set({ transport }, count)
    },
  })
  new Gauge({
    name: 'snapgate_stream_buffer_fill_ratio',
    help: 'How full the fullest buffer of a stream is, from 0 to 1. At 1 the stream is ended with SLOW_CONSUMER.',
    registers,
    async collect() {
      this.set((await once()).fullestBuffer)
    },
  })
  new Gauge({
    name: 'snapgate_streams_lagging',
    help: 'Streams whose client has not taken all that it was sent.',
    registers,
    async collect() {
      this.set((await once()).lagging)
    },
  })
  const totals = [
    ['events_sent_total', 'Events sent as they happened, counted for each stream.', 'sent'],
    [
      'events_replayed_total',
      'Events sent from the log to streams that resumed, counted for each.',
      'replayed',
    ],
    [
      'events_dropped_total',
      'Events not sent because the stream was ended as a slow consumer. The log still has them.',
      'dropped',
    ],
    ['slow_consumers_total', 'Streams that were ended because they fell too far behind.', 'slowConsumers'],
  ] as const
  for (const [name, help, total] of totals)
    new Counter({
      name: `snapgate_${name}`,
      help,
      registers,
      collect() {
        this.reset()
        this.inc(traffic[total])
      },
    })
}

function registerDatabase(registry: Registry, { db, logHeads }: Sources): void {
  const registers = [registry]
  new Gauge({
    name: 'snapgate_database_up',
    help: 'Whether the database can be read and written: 1, or 0.',
    registers,
    collect() {
      this.set(db.health.problem ? 0 : 1)
    },
  })
  new Gauge({
    name: 'snapgate_database_wal_bytes',
    help: 'Size of the write-ahead log of the database.',
    registers,
    collect() {
      this.set(statSync(`${db.path}-wal`, { throwIfNoEntry: false })?.size ?? 0)
    },
  })
  const { logBound } = db
  if (logBound)
    new Gauge({
      name: 'snapgate_database_wal_limit_bytes',
      help: 'Size of the write-ahead log from which on nothing is written.',
      registers,
    }).set(logBound.maxBytes)
  new Gauge({
    name: 'snapgate_transition_log_head',
    help: 'Position of the last transition, by log.',
    labelNames: ['log'],
    registers,
    collect: fromDatabase(function (this: Gauge<'log'>) {
      for (const [log, head] of Object.entries(logHeads)) this.set({ log }, head())
    }),
  })
  new Gauge({
    name: 'snapgate_transition_log_pruned',
    help: 'Position of the newest transition that was pruned, by log: older cursors may have expired.',
    labelNames: ['log'],
    registers,
    collect: fromDatabase(function (this: Gauge<'log'>) {
      for (const log of Object.keys(logHeads)) {
        const pruned = db.reader.get<{ position: number | null }>(
          Prisma.sql`SELECT max("position") AS "position" FROM "PrunedTransitions" WHERE "subject" = ${log}`,
        )
        this.set({ log }, pruned?.position ?? 0)
      }
    }),
  })
}

const JOB_STATES = ['queued', 'running', 'stalled']

function registerCounts(registry: Registry, { db, now }: Sources): void {
  const registers = [registry]
  new Gauge({
    name: 'snapgate_jobs',
    help: 'Jobs that have not ended, by kind and state. Stalled ones wait to be retried after a fault.',
    labelNames: ['kind', 'state'],
    registers,
    collect: fromDatabase(function (this: Gauge<'kind' | 'state'>) {
      for (const kind of Object.keys(JOB_KINDS)) for (const state of JOB_STATES) this.set({ kind, state }, 0)
      const rows = db.reader.all<{ kind: string; state: string; count: number }>(
        // A replica has no leases: there, a job that was tried and has not stalled counts as running.
        Prisma.sql`SELECT "kind", CASE WHEN "leaseUntil" > ${now()} THEN 'running'
            WHEN "stalledSince" IS NOT NULL THEN 'stalled'
            WHEN "attempts" > 0 THEN 'running' ELSE 'queued' END AS "state", count(*) AS "count"
          FROM "Job" GROUP BY 1, 2`,
      )
      for (const { kind, state, count } of rows) this.set({ kind, state }, count)
    }),
  })
  new Gauge({
    name: 'snapgate_snapshots',
    help: 'Snapshots of all accounts, by status.',
    labelNames: ['status'],
    registers,
    collect: fromDatabase(function (this: Gauge<'status'>) {
      for (const status of SNAPSHOT_STATUSES) this.set({ status }, 0)
      // The counts of whole accounts, which triggers keep: an index look-up for each account.
      const rows = db.reader.all<{ status: string; count: number }>(
        Prisma.sql`SELECT c."status", sum(c."count") AS "count" FROM "Account" a
          CROSS JOIN "SnapshotCount" c ON c."accountId" = a."id" AND c."diskId" = '' GROUP BY 1`,
      )
      for (const { status, count } of rows) this.set({ status }, count)
    }),
  })
}

function registerCredentials(registry: Registry, { db, now }: Sources): void {
  new Gauge({
    name: 'snapgate_cloud_credentials_expire_seconds',
    help: 'Time until the first credentials of connections to this cloud expire; absent if none do.',
    labelNames: ['provider'],
    registers: [registry],
    collect: fromDatabase(function (this: Gauge<'provider'>) {
      const rows = db.reader.all<{ provider: string; at: Date | string }>(
        Prisma.sql`SELECT "provider", min("credentialsExpireAt") AS "at" FROM "Connection"
          WHERE "credentialsExpireAt" IS NOT NULL GROUP BY 1`,
      )
      for (const { provider, at } of rows)
        this.set({ provider: provider.toLowerCase() }, (new Date(at).getTime() - now().getTime()) / 1_000)
    }),
  })
}

/** A gauge that cannot be read now has no values; the rest of the metrics has. */
function fromDatabase<G extends Gauge>(collect: (this: G) => void): (this: G) => void {
  return function (this: G) {
    this.reset()
    try {
      collect.call(this)
    } catch {
      this.reset()
    }
  }
}
