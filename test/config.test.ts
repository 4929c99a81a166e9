import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { expect, test } from 'vitest'
import { ConfigError, ENVIRONMENT, readConfig } from '../src/config.ts'

function problemsOf(environment: Record<string, string>): readonly string[] {
  try {
    readConfig(environment)
    return []
  } catch (error) {
    if (error instanceof ConfigError) return error.problems
    throw error
  }
}

const DEFAULTS = {
  host: '127.0.0.1',
  port: 4000,
  dataDir: resolve('data'),
  databaseUrl: `file:${resolve('data/snapgate.db')}`,
  snapshotsDir: resolve('data/snapshots'),
  diskDirs: [resolve('data/disks')],
  demo: true,
  logLevel: 'info',
  snapshotQuota: { MANUAL: 256, AUTOMATIC: 256 },
  copyConcurrency: 2,
  copyAttempts: 3,
  leaseMs: 15_000,
  inventoryIntervalMs: 2_000,
  logPollMs: 1_000,
  logRetention: { days: 7, events: 100_000 },
  streamBuffer: { events: 1_000, bytes: 1_048_576 },
  maxBodyBytes: 262_144,
  answerCacheBytes: 33_554_432,
  graphiql: true,
  shutdownMs: 3_000,
}

test('nothing has to be configured, and an empty variable counts as unset', () => {
  expect(readConfig({})).toEqual(DEFAULTS)
  expect(readConfig({ PORT: '', DATA_DIR: '', DATABASE_URL: '', DISK_DIRS: '', DEMO: '' })).toEqual(DEFAULTS)
})

test('every variable is taken as it is set, and others are none of the gateway’s business', () => {
  expect(
    readConfig({
      HOST: '::1',
      PORT: '0',
      DATA_DIR: '/srv/snapgate',
      DATABASE_URL: 'file:/var/lib/snapgate.db',
      DISK_DIRS: '/srv/disks:/mnt/more',
      DEMO: 'false',
      LOG_LEVEL: 'silent',
      SNAPSHOT_QUOTA_MANUAL: '1',
      SNAPSHOT_QUOTA_AUTOMATIC: '0',
      COPY_CONCURRENCY: '64',
      COPY_ATTEMPTS: '1',
      LEASE_MS: '1000',
      INVENTORY_INTERVAL_MS: '100',
      LOG_POLL_MS: '10',
      LOG_RETENTION_DAYS: '1',
      LOG_RETENTION_EVENTS: '0',
      STREAM_BUFFER_EVENTS: '1',
      STREAM_BUFFER_BYTES: '65536',
      MAX_BODY_BYTES: '1024',
      ANSWER_CACHE_BYTES: '0',
      GRAPHIQL: 'false',
      SHUTDOWN_MS: '0',
      HOME: '/root',
    }),
  ).toEqual({
    host: '::1',
    port: 0,
    dataDir: '/srv/snapgate',
    databaseUrl: 'file:/var/lib/snapgate.db',
    snapshotsDir: '/srv/snapgate/snapshots',
    diskDirs: ['/srv/snapgate/disks', '/srv/disks', '/mnt/more'],
    demo: false,
    logLevel: 'silent',
    snapshotQuota: { MANUAL: 1, AUTOMATIC: 0 },
    copyConcurrency: 64,
    copyAttempts: 1,
    leaseMs: 1_000,
    inventoryIntervalMs: 100,
    logPollMs: 10,
    logRetention: { days: 1, events: 0 },
    streamBuffer: { events: 1, bytes: 65_536 },
    maxBodyBytes: 1_024,
    answerCacheBytes: 0,
    graphiql: false,
    shutdownMs: 0,
  })
})

test('every problem is reported at once, each with the variable, what would be right and what it is', () => {
  expect(
    problemsOf({
      HOST: '0.0.0.0',
      PORT: '65536',
      DATABASE_URL: 'postgresql://host/db',
      DEMO: 'yes',
      LOG_LEVEL: 'loud',
    }),
  ).toEqual([
    'HOST must be a loopback address (127.0.0.1, ::1 or localhost): there are no credentials yet; it is "0.0.0.0".',
    'PORT must be a whole number from 0 to 65535; it is "65536".',
    'DATABASE_URL must be file:<path>: SQLite is the database of this version; it is "postgresql://host/db".',
    'DEMO must be true or false; it is "yes".',
    'LOG_LEVEL must be one of silent, fatal, error, warn, info, debug, trace; it is "loud".',
  ])
})

test.each(['-1', '1.5', '1e3', '0x10', ' 80', 'eighty', '99999999999999999999'])(
  'the port %j is not a whole number in range',
  (PORT) => {
    expect(problemsOf({ PORT })).toEqual([
      `PORT must be a whole number from 0 to 65535; it is ${JSON.stringify(PORT)}.`,
    ])
  },
)

test('.env.example has each variable once, with its default and the reason for it above, and no other', async () => {
  const text = await readFile(new URL('../.env.example', import.meta.url), 'utf8')
  const lines = text.split('\n')
  const found = lines.flatMap((line, index) => {
    const [, name, value] = /^(?:# )?([A-Z][A-Z_]*)=(.*)$/.exec(line) ?? []
    return name === undefined
      ? []
      : [{ name, value, commented: /^# [A-Z].{20,}\.$/.test(lines[index - 1] ?? '') }]
  })
  const defaults = ENVIRONMENT.parse({}) as Record<string, string | number | boolean | undefined>

  expect(found.toSorted((a, b) => (a.name < b.name ? -1 : 1))).toEqual(
    Object.keys(ENVIRONMENT.shape)
      .toSorted()
      .map((name) => ({ name, value: String(defaults[name] ?? ''), commented: true })),
  )
})
