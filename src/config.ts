import { join, resolve } from 'node:path'
import { z } from 'zod'
import { SNAPSHOT_QUOTA } from './domain/quota.ts'

const LOG_LEVELS = ['silent', 'fatal', 'error', 'warn', 'info', 'debug', 'trace'] as const

function integer(fallback: number, min: number, max: number) {
  return z
    .string()
    .regex(/^\d+$/, `must be a whole number from ${min} to ${max}`)
    .transform(Number)
    .refine((value) => value >= min && value <= max, `must be a whole number from ${min} to ${max}`)
    .default(fallback)
}

const yesOrNo = (fallback: boolean) =>
  z
    .enum(['true', 'false'], 'must be true or false')
    .transform((value) => value === 'true')
    .default(fallback)

/** Every variable the gateway reads. `.env.example` documents each; a test holds the two together. */
export const ENVIRONMENT = z.object({
  HOST: z
    .enum(
      ['127.0.0.1', '::1', 'localhost'],
      'must be a loopback address (127.0.0.1, ::1 or localhost): there are no credentials yet',
    )
    .default('127.0.0.1'),
  PORT: integer(4000, 0, 65_535),
  DATA_DIR: z.string().min(1, 'must be a directory').default('./data'),
  DATABASE_URL: z
    .string()
    .regex(/^file:.+/, 'must be file:<path>: SQLite is the database of this version')
    .optional(),
  DISK_DIRS: z.string().default(''),
  DEMO: yesOrNo(true),
  LOG_LEVEL: z.enum(LOG_LEVELS, `must be one of ${LOG_LEVELS.join(', ')}`).default('info'),
  SNAPSHOT_QUOTA_MANUAL: integer(SNAPSHOT_QUOTA.MANUAL, 0, 100_000),
  SNAPSHOT_QUOTA_AUTOMATIC: integer(SNAPSHOT_QUOTA.AUTOMATIC, 0, 100_000),
  COPY_CONCURRENCY: integer(2, 1, 64),
  COPY_ATTEMPTS: integer(3, 1, 100),
  LEASE_MS: integer(15_000, 1_000, 15_000),
  INVENTORY_INTERVAL_MS: integer(2_000, 100, 3_600_000),
  LOG_POLL_MS: integer(1_000, 10, 60_000),
  LOG_RETENTION_DAYS: integer(7, 1, 3_650),
  LOG_RETENTION_EVENTS: integer(100_000, 0, 1_000_000_000),
  STREAM_BUFFER_EVENTS: integer(1_000, 1, 1_000_000),
  STREAM_BUFFER_BYTES: integer(1024 * 1024, 16 * 1024, 1024 ** 3),
  MAX_BODY_BYTES: integer(256 * 1024, 1_024, 16 * 1024 * 1024),
  ANSWER_CACHE_BYTES: integer(32 * 1024 * 1024, 0, 16 * 1024 ** 3),
  GRAPHIQL: yesOrNo(true),
  SHUTDOWN_MS: integer(3_000, 0, 600_000),
})

export interface StreamBuffer {
  events: number
  bytes: number
}

export interface Config {
  host: string
  port: number
  dataDir: string
  databaseUrl: string
  /** Where published snapshots are. */
  snapshotsDir: string
  /** The only directories that disks may be registered from. */
  diskDirs: readonly string[]
  demo: boolean
  logLevel: (typeof LOG_LEVELS)[number]
  snapshotQuota: { MANUAL: number; AUTOMATIC: number }
  copyConcurrency: number
  copyAttempts: number
  leaseMs: number
  inventoryIntervalMs: number
  /** How often the log is read without being woken, for what another process, such as a command, wrote to it. */
  logPollMs: number
  /** How long, and how many, transitions can be resumed from. */
  logRetention: { days: number; events: number }
  /** What a stream may fall behind before it is ended. */
  streamBuffer: StreamBuffer
  maxBodyBytes: number
  /** What answers that are kept until the next change may take together. */
  answerCacheBytes: number
  graphiql: boolean
  shutdownMs: number
}

/** The configuration is wrong; `problems` has one line for each variable. */
export class ConfigError extends Error {
  readonly problems: readonly string[]

  constructor(problems: readonly string[]) {
    super(['The configuration is wrong:', ...problems.map((problem) => `  ${problem}`)].join('\n'))
    this.problems = problems
  }
}

/** Reads the environment; an empty variable counts as unset. Throws one ConfigError that lists every problem. */
export function readConfig(environment: Record<string, string | undefined>): Config {
  const set = Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== ''))
  const parsed = ENVIRONMENT.safeParse(set)
  if (!parsed.success) {
    throw new ConfigError(
      parsed.error.issues.map(({ path, message }) => {
        const name = path.join('.')
        return `${name} ${message}; it is ${JSON.stringify(set[name])}.`
      }),
    )
  }
  const env = parsed.data
  const dataDir = resolve(env.DATA_DIR)
  return {
    host: env.HOST,
    port: env.PORT,
    dataDir,
    databaseUrl: env.DATABASE_URL ?? `file:${join(dataDir, 'snapgate.db')}`,
    snapshotsDir: join(dataDir, 'snapshots'),
    diskDirs: [
      join(dataDir, 'disks'),
      ...env.DISK_DIRS.split(':')
        .filter(Boolean)
        .map((dir) => resolve(dir)),
    ],
    demo: env.DEMO,
    logLevel: env.LOG_LEVEL,
    snapshotQuota: { MANUAL: env.SNAPSHOT_QUOTA_MANUAL, AUTOMATIC: env.SNAPSHOT_QUOTA_AUTOMATIC },
    copyConcurrency: env.COPY_CONCURRENCY,
    copyAttempts: env.COPY_ATTEMPTS,
    leaseMs: env.LEASE_MS,
    inventoryIntervalMs: env.INVENTORY_INTERVAL_MS,
    logPollMs: env.LOG_POLL_MS,
    logRetention: { days: env.LOG_RETENTION_DAYS, events: env.LOG_RETENTION_EVENTS },
    streamBuffer: { events: env.STREAM_BUFFER_EVENTS, bytes: env.STREAM_BUFFER_BYTES },
    maxBodyBytes: env.MAX_BODY_BYTES,
    answerCacheBytes: env.ANSWER_CACHE_BYTES,
    graphiql: env.GRAPHIQL,
    shutdownMs: env.SHUTDOWN_MS,
  }
}
