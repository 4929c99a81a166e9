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

const KEY = Buffer.alloc(32, 1).toString('base64')
const OLD_KEY = Buffer.alloc(32, 2).toString('base64')

const DEFAULTS = {
  host: '127.0.0.1',
  port: 4000,
  dataDir: resolve('data'),
  hostLabel: 'local',
  readWalIndex: true,
  maxLogBytes: 1024 ** 3,
  staleReads: true,
  databaseUrl: `file:${resolve('data/snapgate.db')}`,
  snapshotsDir: resolve('data/snapshots'),
  diskDirs: [resolve('data/disks')],
  accountDiskDirs: [],
  qmpSockets: [],
  demo: true,
  requireCredentials: false,
  jwt: undefined,
  logLevel: 'info',
  operationLog: { percent: 10, slowMs: 1_000 },
  metrics: undefined,
  snapshotQuota: { MANUAL: 256, AUTOMATIC: 256 },
  minFreeBytes: 268_435_456,
  copyConcurrency: 2,
  copyAttempts: 3,
  leaseMs: 15_000,
  inventoryIntervalMs: 2_000,
  cloudInventoryMs: 300_000,
  cloudCallsPerSecond: 5,
  cloudAnswerMs: 5_000,
  logPollMs: 1_000,
  logRetention: { days: 7, events: 100_000 },
  autoSnapshotRunRetentionDays: 90,
  activityRetentionDays: 90,
  streamBuffer: { events: 1_000, bytes: 1_048_576 },
  maxBodyBytes: 262_144,
  documentLimits: { bytes: 32_768, depth: 16, rootFields: 20, aliases: 50, directives: 50, fragments: 50 },
  maxCost: 20_000,
  maxAnswerBytes: 8_388_608,
  operationTimeoutMs: 5_000,
  rates: {
    windowSeconds: 60,
    requests: 6_000,
    cost: 1_200_000,
    creates: 600,
    failedAuthentications: 30,
    newAccounts: 60,
  },
  redisUrl: undefined,
  upstreamHosts: [],
  credentialsKeys: [],
  credentialReferences: [],
  connectionLimits: {
    perAddress: 1_000,
    streamsPerAccount: 1_000,
    operations: 200,
    messagesPerSecond: 200,
    headersTimeoutMs: 10_000,
    requestTimeoutMs: 30_000,
  },
  cors: { allowed: [], requestHeaders: [], responseHeaders: [] },
  introspection: true,
  trustedDocuments: [],
  trustedDocumentsOnly: false,
  registeredDocumentBytes: 262_144,
  answerCacheBytes: 33_554_432,
  graphiql: true,
  drainDelayMs: 0,
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
      READ_WAL_INDEX: 'false',
      MAX_WAL_BYTES: '268435456',
      STALE_READS: 'false',
      DISK_DIRS: '/srv/disks:acme=/srv/acme:/mnt/more:/srv/a=b',
      QMP_SOCKETS: '/run/vms:/run/db.qmp',
      DEMO: 'false',
      REQUIRE_CREDENTIALS: 'true',
      JWT_ISSUER: 'https://issuer.example',
      JWT_AUDIENCE: 'snapgate',
      JWT_JWKS_URL: 'https://issuer.example/keys',
      JWT_ACCOUNT_CLAIM: 'tenant',
      JWT_ROLE_CLAIM: 'https://issuer.example/role',
      JWT_CLOCK_TOLERANCE_SECONDS: '300',
      LOG_LEVEL: 'silent',
      LOG_OPERATIONS_PERCENT: '1',
      LOG_SLOW_MS: '0',
      METRICS: '[::1]:9464',
      SNAPSHOT_QUOTA_MANUAL: '1',
      SNAPSHOT_QUOTA_AUTOMATIC: '0',
      MIN_FREE_BYTES: '1024',
      COPY_CONCURRENCY: '64',
      COPY_ATTEMPTS: '1',
      LEASE_MS: '1000',
      INVENTORY_INTERVAL_MS: '100',
      CLOUD_INVENTORY_INTERVAL_MS: '60000',
      CLOUD_CALLS_PER_SECOND: '20',
      CLOUD_ANSWER_MS: '1000',
      LOG_POLL_MS: '10',
      LOG_RETENTION_DAYS: '1',
      LOG_RETENTION_EVENTS: '0',
      AUTO_SNAPSHOT_RUN_RETENTION_DAYS: '3650',
      ACTIVITY_RETENTION_DAYS: '365',
      STREAM_BUFFER_EVENTS: '1',
      STREAM_BUFFER_BYTES: '65536',
      MAX_BODY_BYTES: '1024',
      MAX_DOCUMENT_BYTES: '2048',
      MAX_DEPTH: '5',
      MAX_ROOT_FIELDS: '1',
      MAX_ALIASES: '0',
      MAX_DIRECTIVES: '2',
      MAX_FRAGMENTS: '3',
      MAX_COST: '100',
      MAX_ANSWER_BYTES: '1024',
      OPERATION_TIMEOUT_MS: '250',
      RATE_WINDOW_SECONDS: '1',
      RATE_REQUESTS: '4',
      RATE_COST: '200',
      RATE_CREATES: '6',
      RATE_FAILED_AUTHENTICATIONS: '7',
      RATE_NEW_ACCOUNTS: '8',
      REDIS_URL: 'redis://127.0.0.1:6380',
      UPSTREAM_HOSTS: 'keystone.example.com:5000,cinder.example.com',
      CREDENTIALS_KEY: `${KEY},${OLD_KEY}`,
      CREDENTIALS_KEY_FILE: '/etc/snapgate/credentials.key',
      CREDENTIAL_REFERENCES: 'env:BAIDU_KEY,acme=file:/etc/snapgate/acme.json',
      MAX_CONNECTIONS_PER_ADDRESS: '8',
      MAX_STREAMS_PER_ACCOUNT: '9',
      MAX_OPERATIONS_PER_CONNECTION: '10',
      MAX_MESSAGES_PER_SECOND: '11',
      HEADERS_TIMEOUT_MS: '500',
      REQUEST_TIMEOUT_MS: '600',
      ALLOWED_ORIGINS: 'https://console.example.com,http://localhost:5173',
      CORS_REQUEST_HEADERS: 'X-Tenant',
      CORS_RESPONSE_HEADERS: 'Server-Timing,x-cache',
      INTROSPECTION: 'false',
      TRUSTED_DOCUMENTS: '/etc/snapgate/web.json:/etc/snapgate/ios.json',
      TRUSTED_DOCUMENTS_ONLY: 'true',
      PERSISTED_QUERY_BYTES: '0',
      ANSWER_CACHE_BYTES: '0',
      GRAPHIQL: 'false',
      DRAIN_DELAY_MS: '5000',
      SHUTDOWN_MS: '0',
      HOME: '/root',
    }),
  ).toEqual({
    host: '::1',
    port: 0,
    dataDir: '/srv/snapgate',
    databaseUrl: 'file:/var/lib/snapgate.db',
    hostLabel: 'local',
    readWalIndex: false,
    maxLogBytes: 256 * 1024 ** 2,
    staleReads: false,
    snapshotsDir: '/srv/snapgate/snapshots',
    diskDirs: ['/srv/snapgate/disks', '/srv/disks', '/mnt/more', '/srv/a=b'],
    accountDiskDirs: [{ account: 'acme', path: '/srv/acme' }],
    qmpSockets: ['/run/vms', '/run/db.qmp'],
    demo: false,
    requireCredentials: true,
    jwt: {
      issuer: 'https://issuer.example',
      audience: 'snapgate',
      keys: { url: new URL('https://issuer.example/keys') },
      accountClaim: 'tenant',
      roleClaim: 'https://issuer.example/role',
      clockToleranceSeconds: 300,
    },
    logLevel: 'silent',
    operationLog: { percent: 1, slowMs: 0 },
    metrics: { host: '::1', port: 9464 },
    snapshotQuota: { MANUAL: 1, AUTOMATIC: 0 },
    minFreeBytes: 1_024,
    copyConcurrency: 64,
    copyAttempts: 1,
    leaseMs: 1_000,
    inventoryIntervalMs: 100,
    cloudInventoryMs: 60_000,
    cloudCallsPerSecond: 20,
    cloudAnswerMs: 1_000,
    logPollMs: 10,
    logRetention: { days: 1, events: 0 },
    autoSnapshotRunRetentionDays: 3_650,
    activityRetentionDays: 365,
    streamBuffer: { events: 1, bytes: 65_536 },
    maxBodyBytes: 1_024,
    documentLimits: { bytes: 2_048, depth: 5, rootFields: 1, aliases: 0, directives: 2, fragments: 3 },
    maxCost: 100,
    maxAnswerBytes: 1_024,
    operationTimeoutMs: 250,
    rates: { windowSeconds: 1, requests: 4, cost: 200, creates: 6, failedAuthentications: 7, newAccounts: 8 },
    redisUrl: 'redis://127.0.0.1:6380',
    upstreamHosts: ['keystone.example.com:5000', 'cinder.example.com'],
    credentialsKeys: [KEY, OLD_KEY],
    credentialReferences: [
      { account: undefined, reference: 'env:BAIDU_KEY' },
      { account: 'acme', reference: 'file:/etc/snapgate/acme.json' },
    ],
    connectionLimits: {
      perAddress: 8,
      streamsPerAccount: 9,
      operations: 10,
      messagesPerSecond: 11,
      headersTimeoutMs: 500,
      requestTimeoutMs: 600,
    },
    cors: {
      allowed: ['https://console.example.com', 'http://localhost:5173'],
      requestHeaders: ['x-tenant'],
      responseHeaders: ['server-timing', 'x-cache'],
    },
    introspection: false,
    trustedDocuments: ['/etc/snapgate/web.json', '/etc/snapgate/ios.json'],
    trustedDocumentsOnly: true,
    registeredDocumentBytes: 0,
    answerCacheBytes: 0,
    graphiql: false,
    drainDelayMs: 5_000,
    shutdownMs: 0,
  })
})

test('every problem is reported at once, each with the variable, what would be right and what it is', () => {
  expect(
    problemsOf({
      HOST: 'two words',
      PORT: '65536',
      DATABASE_URL: 'mysql://u:hunter2@host/db',
      DEMO: 'yes',
      LOG_LEVEL: 'loud',
    }),
  ).toEqual([
    'HOST must be an IP address or the name of a host; it is "two words".',
    'PORT must be a whole number from 0 to 65535; it is "65536".',
    'DATABASE_URL must be file:<path> for SQLite, or postgresql://<host>/<database>; it is not shown here.',
    'DEMO must be true or false; it is "yes".',
    'LOG_LEVEL must be one of silent, fatal, error, warn, info, debug, trace; it is "loud".',
  ])
})

const JWTS = { JWT_ISSUER: 'i', JWT_AUDIENCE: 'a' }
const SECRET = 'a secret of at least 32 bytes, as it must be'
const JWKS_RULE = 'must be an https: URL without user and password; http: is for this machine only'

test.each<[what: string, environment: Record<string, string>, problems: string[]]>([
  ['a secret', { ...JWTS, JWT_SECRET: SECRET }, []],
  ['keys on this machine without TLS', { ...JWTS, JWT_JWKS_URL: 'http://[::1]:9000/keys' }, []],
  [
    'a secret that is too short, which is not shown',
    { ...JWTS, JWT_SECRET: 'hunter2' },
    ['JWT_SECRET must have at least 32 bytes; it is not shown here.'],
  ],
  ...['http://issuer.example/keys', 'https://u:p@issuer.example/', 'keys', 'file:///keys'].map(
    (url): [string, Record<string, string>, string[]] => [
      `keys at ${url}`,
      { ...JWTS, JWT_JWKS_URL: url },
      [`JWT_JWKS_URL ${JWKS_RULE}; it is ${JSON.stringify(url)}.`],
    ],
  ),
  ...[
    { JWT_ISSUER: 'i' } as Record<string, string>,
    JWTS,
    { JWT_ISSUER: 'i', JWT_SECRET: SECRET },
    { ...JWTS, JWT_SECRET: SECRET, JWT_JWKS_URL: 'https://issuer.example/keys' },
  ].map((environment): [string, Record<string, string>, string[]] => [
    `only ${Object.keys(environment).join(' and ')}`,
    environment,
    [
      'JWT_ISSUER, JWT_AUDIENCE and one of JWT_JWKS_URL and JWT_SECRET must be set together, or none of them.',
    ],
  ]),
])('JWTs with %s', (_what, environment, problems) => {
  expect(problemsOf(environment)).toEqual(problems)
})

test.each<[what: string, environment: Record<string, string>, problem: string]>([
  [
    'a budget that no operation of the allowed cost fits in',
    { MAX_COST: '100', RATE_COST: '99' },
    'RATE_COST must be at least MAX_COST, which is 100; it is 99.',
  ],
  [
    'less time for a request than for its headers',
    { REQUEST_TIMEOUT_MS: '9999' },
    'REQUEST_TIMEOUT_MS must be at least HEADERS_TIMEOUT_MS, which is 10000; it is 9999.',
  ],
  [
    'only trusted documents, and none',
    { TRUSTED_DOCUMENTS_ONLY: 'true' },
    'TRUSTED_DOCUMENTS_ONLY must be false unless TRUSTED_DOCUMENTS names a file of the documents; it is true.',
  ],
  [
    'a label of one host among several, and SQLite',
    { HOST_LABEL: 'b' },
    'HOST_LABEL must be left out unless DATABASE_URL is postgresql://…, because SQLite is used on one host only; it is b.',
  ],
])('what contradicts itself is refused: %s', (_what, environment, problem) => {
  expect(problemsOf(environment)).toEqual([problem])
})

test('a host has a label on PostgreSQL', () => {
  const { hostLabel } = readConfig({ DATABASE_URL: 'postgresql://db/snapgate', HOST_LABEL: 'rack-2.b_1' })
  expect(hostLabel).toBe('rack-2.b_1')
})

test.each(['BAIDU_KEY', 'env:', 'file:relative.json', '=env:KEY', 'env:KEY;file:/x'])(
  'the reference %j to credentials is none',
  (CREDENTIAL_REFERENCES) => {
    expect(problemsOf({ CREDENTIAL_REFERENCES })).toEqual([
      `CREDENTIAL_REFERENCES must be env:<variable> or file:/<path>, each after <account>= or not; it is ${JSON.stringify(CREDENTIAL_REFERENCES)}.`,
    ])
  },
)

test('a key for credentials that is none is refused, and not shown', () => {
  expect(problemsOf({ CREDENTIALS_KEY: 'hunter2' })).toEqual([
    'CREDENTIALS_KEY must be 32 bytes in base64 (openssl rand -base64 32), or a new and an old key separated by a comma; it is not shown here.',
  ])
})

test.each([
  '*',
  'https://*.example.com',
  'https://console.example.com/',
  'console.example.com',
  'https://a.example,',
])('the origin %j is none', (ALLOWED_ORIGINS) => {
  expect(problemsOf({ ALLOWED_ORIGINS })).toEqual([
    `ALLOWED_ORIGINS must be origins such as https://console.example.com, separated by commas, with no path and no *; it is ${JSON.stringify(ALLOWED_ORIGINS)}.`,
  ])
})

test.each(['x tenant', 'x-tenant,', '*', 'x-a:1'])('%j is no list of headers', (CORS_REQUEST_HEADERS) => {
  expect(problemsOf({ CORS_REQUEST_HEADERS })).toEqual([
    `CORS_REQUEST_HEADERS must be names of headers, separated by commas; it is ${JSON.stringify(CORS_REQUEST_HEADERS)}.`,
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

/** A default as a variable would have it; a list is empty. */
const shown = (value: string | number | boolean | object | undefined): string =>
  value === undefined || typeof value === 'object' ? '' : String(value)

test('.env.example has each variable once, with its default and the reason for it above, and no other', async () => {
  const text = await readFile(new URL('../.env.example', import.meta.url), 'utf8')
  const lines = text.split('\n')
  const found = lines.flatMap((line, index) => {
    const [, name, value] = /^(?:# )?([A-Z][A-Z_]*)=(.*)$/.exec(line) ?? []
    return name === undefined
      ? []
      : [{ name, value, commented: /^# [A-Z].{20,}\.$/.test(lines[index - 1] ?? '') }]
  })
  const defaults = ENVIRONMENT.parse({}) as Record<string, string | number | boolean | object | undefined>

  expect(found.toSorted((a, b) => (a.name < b.name ? -1 : 1))).toEqual(
    Object.keys(ENVIRONMENT.shape)
      .toSorted()
      .map((name) => ({ name, value: shown(defaults[name]), commented: true })),
  )
})
