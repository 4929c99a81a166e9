import { join, resolve } from 'node:path'
import { z } from 'zod'
import { isPostgresql } from './database/database-url.ts'
import { ACCOUNT_NAME_RULE, isAccountName } from './domain/account.ts'
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

/** A host or address to listen on, IPv6 in brackets, and a port. */
const ADDRESS = /^(\[[\da-fA-F:.]+\]|[\w.-]+):\d{1,5}$/

const yesOrNo = (fallback: boolean) =>
  z
    .enum(['true', 'false'], 'must be true or false')
    .transform((value) => value === 'true')
    .default(fallback)

/** Names of HTTP headers, separated by commas. */
const headerNames = () =>
  z
    .string()
    .regex(/^([\w-]+(,(?!$)|$))*$/, 'must be names of headers, separated by commas')
    .default('')
    .transform((text) => text.toLowerCase().split(',').filter(Boolean))

/** An entry of DISK_DIRS: a directory, or `<account>=<directory>`. What has a slash before its first `=` is a directory. */
export function diskDir(entry: string): { account: string | undefined; path: string; problem?: string } {
  const [, account, path = ''] = /^([^/=]*)=(.*)$/.exec(entry) ?? []
  if (account === undefined) return { account, path: entry }
  const shown = JSON.stringify(entry)
  if (path === '') return { account, path, problem: `must name a directory after the = of ${shown}` }
  if (!isAccountName(account))
    return { account, path, problem: `must name an account before the = of ${shown} (${ACCOUNT_NAME_RULE})` }
  return { account, path }
}

/** An entry of CREDENTIAL_REFERENCES: `env:<variable>` or `file:<path>`, for one account if `<account>=` stands before it. */
function credentialReference(entry: string): { account: string | undefined; reference: string } | undefined {
  const [, account, reference = ''] = /^(?:([^:=]*)=)?((?:env:\w+|file:\/.+))$/.exec(entry) ?? []
  if (reference === '' || (account !== undefined && !isAccountName(account))) return undefined
  return { account, reference }
}

/** One key that seals credentials, or a new and an old one: 32 bytes each, in base64. */
const CREDENTIALS_KEY = /^[A-Za-z0-9+/]{43}=(,[A-Za-z0-9+/]{43}=)?$/

/** The label of gateways that all reach the same bytes. */
const DEFAULT_HOST_LABEL = 'local'

/** Every variable the gateway reads. `.env.example` documents each; a test holds the two together. */
export const ENVIRONMENT = z.object({
  ENV_FILE: z.string().default('.env'),
  HOST: z
    .string()
    .regex(/^[\w.:-]+$/, 'must be an IP address or the name of a host')
    .default('127.0.0.1'),
  PORT: integer(4000, 0, 65_535),
  DATA_DIR: z.string().regex(/\S/, 'must be a directory').default('./data'),
  DATABASE_URL: z
    .string()
    .regex(
      /^(file:.+|postgres(ql)?:\/\/.+)/,
      'must be file:<path> for SQLite, or postgresql://<host>/<database>',
    )
    .optional(),
  HOST_LABEL: z
    .string()
    .regex(/^[\w.-]{1,63}$/, 'must be 1 to 63 letters, digits, hyphens, underscores and dots')
    .default(DEFAULT_HOST_LABEL),
  READ_WAL_INDEX: yesOrNo(true),
  MAX_WAL_BYTES: integer(1024 ** 3, 32 * 1024 ** 2, 16 * 1024 ** 4),
  STALE_READS: yesOrNo(true),
  DISK_DIRS: z
    .string()
    .default('')
    .transform((text, context) => {
      const dirs = text.split(':').filter(Boolean).map(diskDir)
      for (const { problem } of dirs) if (problem !== undefined) context.addIssue(problem)
      return dirs
    }),
  QMP_SOCKETS: z
    .string()
    .default('')
    .transform((text) =>
      text
        .split(':')
        .filter(Boolean)
        .map((path) => resolve(path)),
    ),
  DEMO: yesOrNo(true),
  REQUIRE_CREDENTIALS: yesOrNo(false),
  JWT_ISSUER: z.string().optional(),
  JWT_AUDIENCE: z.string().optional(),
  JWT_JWKS_URL: z
    .string()
    .refine(isJwksUrl, 'must be an https: URL without user and password; http: is for this machine only')
    .optional(),
  JWT_SECRET: z
    .string()
    .refine((secret) => Buffer.byteLength(secret) >= 32, 'must have at least 32 bytes')
    .optional(),
  JWT_ACCOUNT_CLAIM: z.string().default('account'),
  JWT_ROLE_CLAIM: z.string().default('role'),
  JWT_CLOCK_TOLERANCE_SECONDS: integer(2, 0, 300),
  LOG_LEVEL: z.enum(LOG_LEVELS, `must be one of ${LOG_LEVELS.join(', ')}`).default('info'),
  LOG_OPERATIONS_PERCENT: integer(10, 0, 100),
  LOG_SLOW_MS: integer(1_000, 0, 600_000),
  METRICS: z
    .string()
    .regex(ADDRESS, 'must be <host>:<port>, such as 127.0.0.1:9464')
    .refine((address) => Number(address.split(':').at(-1)) <= 65_535, 'must have a port from 0 to 65535')
    .optional(),
  SNAPSHOT_QUOTA_MANUAL: integer(SNAPSHOT_QUOTA.MANUAL, 0, 100_000),
  SNAPSHOT_QUOTA_AUTOMATIC: integer(SNAPSHOT_QUOTA.AUTOMATIC, 0, 100_000),
  MIN_FREE_BYTES: integer(256 * 1024 * 1024, 0, 16 * 1024 ** 4),
  COPY_CONCURRENCY: integer(2, 1, 64),
  COPY_ATTEMPTS: integer(3, 1, 100),
  LEASE_MS: integer(15_000, 1_000, 15_000),
  INVENTORY_INTERVAL_MS: integer(2_000, 100, 3_600_000),
  CLOUD_INVENTORY_INTERVAL_MS: integer(300_000, 1_000, 86_400_000),
  CLOUD_CALLS_PER_SECOND: integer(5, 1, 1_000),
  CLOUD_ANSWER_MS: integer(5_000, 0, 25_000),
  LOG_POLL_MS: integer(1_000, 10, 60_000),
  LOG_RETENTION_DAYS: integer(7, 1, 3_650),
  LOG_RETENTION_EVENTS: integer(100_000, 0, 1_000_000_000),
  AUTO_SNAPSHOT_RUN_RETENTION_DAYS: integer(90, 1, 3_650),
  ACTIVITY_RETENTION_DAYS: integer(90, 1, 3_650),
  STREAM_BUFFER_EVENTS: integer(1_000, 1, 1_000_000),
  STREAM_BUFFER_BYTES: integer(1024 * 1024, 16 * 1024, 1024 ** 3),
  MAX_BODY_BYTES: integer(256 * 1024, 1_024, 16 * 1024 * 1024),
  MAX_DOCUMENT_BYTES: integer(32 * 1024, 1_024, 256 * 1024),
  MAX_DEPTH: integer(16, 1, 100),
  MAX_ROOT_FIELDS: integer(20, 1, 1_000),
  MAX_ALIASES: integer(50, 0, 1_000),
  MAX_DIRECTIVES: integer(50, 0, 1_000),
  MAX_FRAGMENTS: integer(50, 0, 1_000),
  MAX_COST: integer(20_000, 1, 1_000_000_000),
  MAX_ANSWER_BYTES: integer(8 * 1024 * 1024, 1_024, 1024 ** 3),
  OPERATION_TIMEOUT_MS: integer(5_000, 10, 600_000),
  RATE_WINDOW_SECONDS: integer(60, 1, 86_400),
  RATE_REQUESTS: integer(6_000, 1, 1_000_000_000),
  RATE_COST: integer(1_200_000, 1, 1_000_000_000),
  RATE_CREATES: integer(600, 1, 1_000_000_000),
  RATE_FAILED_AUTHENTICATIONS: integer(30, 1, 1_000_000_000),
  RATE_NEW_ACCOUNTS: integer(60, 1, 1_000_000_000),
  REDIS_URL: z
    .string()
    .regex(/^rediss?:\/\/.+/, 'must be redis://<host>:<port>, or rediss:// for TLS')
    .optional(),
  UPSTREAM_HOSTS: z
    .string()
    .regex(
      /^([\w.-]+(:\d+)?(,(?!$)|$))*$/,
      'must be hosts such as keystone.example.com:5000, separated by commas',
    )
    .default(''),
  CREDENTIALS_KEY: z
    .string()
    .regex(
      CREDENTIALS_KEY,
      'must be 32 bytes in base64 (openssl rand -base64 32), or a new and an old key separated by a comma',
    )
    .optional(),
  CREDENTIALS_KEY_FILE: z.string().optional(),
  CREDENTIAL_REFERENCES: z
    .string()
    .default('')
    .transform((text, context) =>
      text
        .split(',')
        .filter(Boolean)
        .flatMap((entry) => {
          const found = credentialReference(entry)
          if (!found) context.addIssue('must be env:<variable> or file:/<path>, each after <account>= or not')
          return found ?? []
        }),
    ),
  MAX_CONNECTIONS_PER_ADDRESS: integer(1_000, 1, 1_000_000),
  MAX_STREAMS_PER_ACCOUNT: integer(1_000, 1, 1_000_000),
  MAX_OPERATIONS_PER_CONNECTION: integer(200, 1, 100_000),
  MAX_MESSAGES_PER_SECOND: integer(200, 1, 1_000_000),
  HEADERS_TIMEOUT_MS: integer(10_000, 100, 600_000),
  REQUEST_TIMEOUT_MS: integer(30_000, 100, 600_000),
  ALLOWED_ORIGINS: z
    .string()
    .regex(
      /^(https?:\/\/[^/\s,*]+(,(?!$)|$))*$/,
      'must be origins such as https://console.example.com, separated by commas, with no path and no *',
    )
    .default(''),
  CORS_REQUEST_HEADERS: headerNames(),
  CORS_RESPONSE_HEADERS: headerNames(),
  INTROSPECTION: yesOrNo(true),
  ANSWER_CACHE_BYTES: integer(32 * 1024 * 1024, 0, 16 * 1024 ** 3),
  GRAPHIQL: yesOrNo(true),
  TRUSTED_DOCUMENTS: z
    .string()
    .default('')
    .transform((text) => text.split(':').filter(Boolean)),
  TRUSTED_DOCUMENTS_ONLY: yesOrNo(false),
  PERSISTED_QUERY_BYTES: integer(256 * 1024, 0, 1024 ** 3),
  DRAIN_DELAY_MS: integer(0, 0, 600_000),
  SHUTDOWN_MS: integer(3_000, 0, 600_000),
})

/** Variables whose value must not be shown, not even when it is wrong. */
export const SECRETS: readonly string[] = [
  'CREDENTIALS_KEY',
  'DATABASE_URL',
  'JWT_SECRET',
] satisfies (keyof typeof ENVIRONMENT.shape)[]
/** What one document may have. */
export interface DocumentLimits {
  bytes: number
  depth: number
  rootFields: number
  aliases: number
  directives: number
  fragments: number
}

/** What an account may ask for in each window; failed authentications and new accounts are counted by address. */
export interface RateLimits {
  windowSeconds: number
  requests: number
  cost: number
  creates: number
  failedAuthentications: number
  newAccounts: number
}

/** What connections may do. */
export interface ConnectionLimits {
  perAddress: number
  streamsPerAccount: number
  operations: number
  messagesPerSecond: number
  headersTimeoutMs: number
  requestTimeoutMs: number
}

export interface StreamBuffer {
  events: number
  bytes: number
}

/** Which JWTs are accepted. */
export interface JwtConfig {
  issuer: string
  audience: string
  /** What they are signed with: a secret that is shared with the issuer, or one of the issuer's published keys. */
  keys: { secret: string } | { url: URL }
  /** The claims that hold the name of the account and the role. */
  accountClaim: string
  roleClaim: string
  clockToleranceSeconds: number
}

export interface Config {
  host: string
  port: number
  dataDir: string
  databaseUrl: string
  /** Which gateways on one database reach the same bytes: those with the same label. */
  hostLabel: string
  /** Whether commits are noticed by reading the index of the write-ahead log; otherwise SQLite is asked. */
  readWalIndex: boolean
  /** How large the write-ahead log of the database may become, in bytes. */
  maxLogBytes: number
  /** Whether queries are answered while the database server is away, from what the gateway has. */
  staleReads: boolean
  /** Where published snapshots are. */
  snapshotsDir: string
  /** The directories that disks of every account may be in; new disks are made in the first. */
  diskDirs: readonly string[]
  /** Directories for the disks of one account, by its name. */
  accountDiskDirs: readonly { account: string; path: string }[]
  /** Sockets of QEMU monitors, or directories of them. */
  qmpSockets: readonly string[]
  demo: boolean
  /** Whether nobody may come in without a credential, also while there is none. */
  requireCredentials: boolean
  /** Undefined when JWTs are not accepted. */
  jwt: JwtConfig | undefined
  logLevel: (typeof LOG_LEVELS)[number]
  /** How many of a hundred operations are logged, and from how many milliseconds on each of them. */
  operationLog: { percent: number; slowMs: number }
  /** Where the metrics are served; undefined when they are not. */
  metrics: { host: string; port: number } | undefined
  snapshotQuota: { MANUAL: number; AUTOMATIC: number }
  /** How much of the storage of the database and the snapshots has to stay free. */
  minFreeBytes: number
  copyConcurrency: number
  copyAttempts: number
  leaseMs: number
  inventoryIntervalMs: number
  /** How often everything of a connection to a cloud is compared with it, in milliseconds. */
  cloudInventoryMs: number
  /** How many requests one connection to a cloud may make in a second. */
  cloudCallsPerSecond: number
  /** How long a call waits for the answer of a cloud, in milliseconds. */
  cloudAnswerMs: number
  /** How often the log is read without being woken, for what another process, such as a command, wrote to it. */
  logPollMs: number
  /** How long, and how many, transitions can be resumed from. */
  logRetention: { days: number; events: number }
  /** How long the results of policy runs are kept, in days. */
  autoSnapshotRunRetentionDays: number
  /** How long it is kept who changed what, in days. */
  activityRetentionDays: number
  /** What a stream may fall behind before it is ended. */
  streamBuffer: StreamBuffer
  maxBodyBytes: number
  documentLimits: DocumentLimits
  /** What one operation may cost, in points. */
  maxCost: number
  /** What an answer may have, in bytes. */
  maxAnswerBytes: number
  /** How long one read may take that is made off the event loop, in milliseconds. */
  operationTimeoutMs: number
  rates: RateLimits
  redisUrl: string | undefined
  /** Hosts of clouds that may be called by `http:` and at internal addresses, with a port if it is not that of the scheme. */
  upstreamHosts: readonly string[]
  /** What the credentials of clouds are sealed with, 32 bytes each in base64: the key in use, then the one that it replaces. */
  credentialsKeys: readonly string[]
  /** Where credentials of clouds may be, beside the database, for one account or for all. */
  credentialReferences: readonly { account: string | undefined; reference: string }[]
  connectionLimits: ConnectionLimits
  /** The origins whose pages may use the gateway, besides its own, and the headers that they may send and read besides the usual. */
  cors: { allowed: readonly string[]; requestHeaders: readonly string[]; responseHeaders: readonly string[] }
  introspection: boolean
  /** The files of trusted documents. */
  trustedDocuments: readonly string[]
  trustedDocumentsOnly: boolean
  /** What the documents may take that the clients of an account register, in bytes. */
  registeredDocumentBytes: number
  /** What answers that are kept until the next change may take together. */
  answerCacheBytes: number
  graphiql: boolean
  /** How long a gateway that is told to stop goes on serving after it says that it is not ready. */
  drainDelayMs: number
  shutdownMs: number
}

/** The configuration is wrong; `problems` has one line for each variable. */
export class ConfigError extends Error {
  readonly problems: readonly string[]

  constructor(problems: readonly string[]) {
    super(['Invalid configuration:', ...problems.map((problem) => `  ${problem}`)].join('\n'))
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
        return `${name} ${message}; it is ${SECRETS.includes(name) ? 'not shown here' : JSON.stringify(set[name])}.`
      }),
    )
  }
  const env = parsed.data
  const contradictions = contradictionsIn(env)
  if (contradictions.length > 0) throw new ConfigError(contradictions)
  const dataDir = resolve(env.DATA_DIR)
  return {
    host: env.HOST,
    port: env.PORT,
    dataDir,
    databaseUrl: env.DATABASE_URL ?? `file:${join(dataDir, 'snapgate.db')}`,
    hostLabel: env.HOST_LABEL,
    readWalIndex: env.READ_WAL_INDEX,
    maxLogBytes: env.MAX_WAL_BYTES,
    staleReads: env.STALE_READS,
    snapshotsDir: join(dataDir, 'snapshots'),
    diskDirs: [
      join(dataDir, 'disks'),
      ...env.DISK_DIRS.flatMap(({ account, path }) => (account === undefined ? [resolve(path)] : [])),
    ],
    accountDiskDirs: env.DISK_DIRS.flatMap(({ account, path }) =>
      account === undefined ? [] : [{ account, path: resolve(path) }],
    ),
    qmpSockets: env.QMP_SOCKETS,
    demo: env.DEMO,
    requireCredentials: env.REQUIRE_CREDENTIALS,
    jwt: jwtConfig(env),
    logLevel: env.LOG_LEVEL,
    operationLog: { percent: env.LOG_OPERATIONS_PERCENT, slowMs: env.LOG_SLOW_MS },
    metrics: env.METRICS === undefined ? undefined : addressOf(env.METRICS),
    snapshotQuota: { MANUAL: env.SNAPSHOT_QUOTA_MANUAL, AUTOMATIC: env.SNAPSHOT_QUOTA_AUTOMATIC },
    minFreeBytes: env.MIN_FREE_BYTES,
    copyConcurrency: env.COPY_CONCURRENCY,
    copyAttempts: env.COPY_ATTEMPTS,
    leaseMs: env.LEASE_MS,
    inventoryIntervalMs: env.INVENTORY_INTERVAL_MS,
    cloudInventoryMs: env.CLOUD_INVENTORY_INTERVAL_MS,
    cloudCallsPerSecond: env.CLOUD_CALLS_PER_SECOND,
    cloudAnswerMs: env.CLOUD_ANSWER_MS,
    logPollMs: env.LOG_POLL_MS,
    logRetention: { days: env.LOG_RETENTION_DAYS, events: env.LOG_RETENTION_EVENTS },
    autoSnapshotRunRetentionDays: env.AUTO_SNAPSHOT_RUN_RETENTION_DAYS,
    activityRetentionDays: env.ACTIVITY_RETENTION_DAYS,
    streamBuffer: { events: env.STREAM_BUFFER_EVENTS, bytes: env.STREAM_BUFFER_BYTES },
    maxBodyBytes: env.MAX_BODY_BYTES,
    documentLimits: {
      bytes: env.MAX_DOCUMENT_BYTES,
      depth: env.MAX_DEPTH,
      rootFields: env.MAX_ROOT_FIELDS,
      aliases: env.MAX_ALIASES,
      directives: env.MAX_DIRECTIVES,
      fragments: env.MAX_FRAGMENTS,
    },
    maxCost: env.MAX_COST,
    maxAnswerBytes: env.MAX_ANSWER_BYTES,
    operationTimeoutMs: env.OPERATION_TIMEOUT_MS,
    rates: {
      windowSeconds: env.RATE_WINDOW_SECONDS,
      requests: env.RATE_REQUESTS,
      cost: env.RATE_COST,
      creates: env.RATE_CREATES,
      failedAuthentications: env.RATE_FAILED_AUTHENTICATIONS,
      newAccounts: env.RATE_NEW_ACCOUNTS,
    },
    redisUrl: env.REDIS_URL,
    upstreamHosts: env.UPSTREAM_HOSTS.split(',').filter(Boolean),
    credentialsKeys: env.CREDENTIALS_KEY?.split(',') ?? [],
    credentialReferences: env.CREDENTIAL_REFERENCES,
    connectionLimits: {
      perAddress: env.MAX_CONNECTIONS_PER_ADDRESS,
      streamsPerAccount: env.MAX_STREAMS_PER_ACCOUNT,
      operations: env.MAX_OPERATIONS_PER_CONNECTION,
      messagesPerSecond: env.MAX_MESSAGES_PER_SECOND,
      headersTimeoutMs: env.HEADERS_TIMEOUT_MS,
      requestTimeoutMs: env.REQUEST_TIMEOUT_MS,
    },
    cors: {
      allowed: env.ALLOWED_ORIGINS.split(',').filter(Boolean),
      requestHeaders: env.CORS_REQUEST_HEADERS,
      responseHeaders: env.CORS_RESPONSE_HEADERS,
    },
    introspection: env.INTROSPECTION,
    trustedDocuments: env.TRUSTED_DOCUMENTS.map((path) => resolve(path)),
    trustedDocumentsOnly: env.TRUSTED_DOCUMENTS_ONLY,
    registeredDocumentBytes: env.PERSISTED_QUERY_BYTES,
    answerCacheBytes: env.ANSWER_CACHE_BYTES,
    graphiql: env.GRAPHIQL,
    drainDelayMs: env.DRAIN_DELAY_MS,
    shutdownMs: env.SHUTDOWN_MS,
  }
}

/** Variables that are each possible, and not together. */
function contradictionsIn(env: z.output<typeof ENVIRONMENT>): string[] {
  const { RATE_COST, MAX_COST, HEADERS_TIMEOUT_MS, REQUEST_TIMEOUT_MS } = env
  return [
    RATE_COST < MAX_COST && `RATE_COST must be at least MAX_COST, which is ${MAX_COST}; it is ${RATE_COST}.`,
    REQUEST_TIMEOUT_MS < HEADERS_TIMEOUT_MS &&
      `REQUEST_TIMEOUT_MS must be at least HEADERS_TIMEOUT_MS, which is ${HEADERS_TIMEOUT_MS}; it is ${REQUEST_TIMEOUT_MS}.`,
    env.TRUSTED_DOCUMENTS_ONLY &&
      env.TRUSTED_DOCUMENTS.length === 0 &&
      'TRUSTED_DOCUMENTS_ONLY must be false unless TRUSTED_DOCUMENTS names a file of the documents; it is true.',
    env.HOST_LABEL !== DEFAULT_HOST_LABEL &&
      !isPostgresql(env.DATABASE_URL ?? '') &&
      `HOST_LABEL must be left out unless DATABASE_URL is postgresql://…, because SQLite is used on one host only; it is ${env.HOST_LABEL}.`,
  ].filter((problem) => problem !== false)
}

/** JWTs are accepted when any of their variables is set, and then the others that they need must be too. */
function jwtConfig(env: z.infer<typeof ENVIRONMENT>): JwtConfig | undefined {
  const { JWT_ISSUER: issuer, JWT_AUDIENCE: audience, JWT_JWKS_URL: url, JWT_SECRET: secret } = env
  if ([issuer, audience, url, secret].every((value) => value === undefined)) return undefined
  const keys = url === undefined ? secret !== undefined && { secret } : { url: new URL(url) }
  if (
    issuer === undefined ||
    audience === undefined ||
    !keys ||
    (url !== undefined && secret !== undefined)
  ) {
    throw new ConfigError([
      'JWT_ISSUER, JWT_AUDIENCE and one of JWT_JWKS_URL and JWT_SECRET must be set together, or none of them.',
    ])
  }
  return {
    issuer,
    audience,
    keys,
    accountClaim: env.JWT_ACCOUNT_CLAIM,
    roleClaim: env.JWT_ROLE_CLAIM,
    clockToleranceSeconds: env.JWT_CLOCK_TOLERANCE_SECONDS,
  }
}

function addressOf(text: string): { host: string; port: number } {
  const at = text.lastIndexOf(':')
  return { host: text.slice(0, at).replace(/^\[|\]$/g, ''), port: Number(text.slice(at + 1)) }
}

/** Whether an address to listen on is reached from this machine only. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host)
}

function isJwksUrl(text: string): boolean {
  if (!URL.canParse(text)) return false
  const { protocol, hostname, username, password } = new URL(text)
  if (username !== '' || password !== '') return false
  return protocol === 'https:' || (protocol === 'http:' && isLoopback(hostname.replace(/^\[|\]$/g, '')))
}
