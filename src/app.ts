import { mkdir } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import process from 'node:process'
import type { Logger } from 'pino'
import manifest from '../package.json' with { type: 'json' }
import { ConfigError, isLoopback, type Config } from './config.ts'
import type { Database } from './database/database.ts'
import { isPostgresql } from './database/database-url.ts'
import { databaseFiles } from './database/sqlite/database-file.ts'
import { logFault } from './database/log-fault.ts'
import { closeFolder, closeToOthers, PRIVATE_FOLDER } from './database/private-files.ts'
import { readFileOf, startDatabase } from './database/start.ts'
import { TransitionHub } from './delivery/hub.ts'
import { noTraffic } from './delivery/traffic.ts'
import { createDemoWorld } from './demo/world.ts'
import { createObservability, type Observability } from './observability/observability.ts'
import { watchedCloud, watchedProvider } from './observability/watched-provider.ts'
import { createLocalProvider } from './providers/local/local.ts'
import type { DiskProvider } from './providers/provider.ts'
import { readinessChecks, readinessReports } from './readiness.ts'
import { Reads } from './reads/reads.ts'
import { Scans } from './reads/scans.ts'
import { createHousekeeping } from './runner/housekeeping.ts'
import { startInventory } from './runner/inventory.ts'
import { CloudPoller } from './runner/cloud-poller.ts'
import { Runner } from './runner/runner.ts'
import { createScheduler } from './runner/scheduler.ts'
import { createCredentials, type Credentials } from './server/auth/credentials.ts'
import type { PageHandler } from './server/pages/assets/page.ts'
import { createConsole } from './server/pages/console.ts'
import { createGraphiql } from './server/pages/graphiql/graphiql.ts'
import { preparedTabs } from './server/pages/graphiql/tabs.ts'
import { startServer } from './server/http/server.ts'
import { createRates } from './server/limits/rates.ts'
import { createAccountIds, localViewer } from './services/accounts.ts'
import { createClockWatch } from './services/clock-trust.ts'
import { newRandomId, type Clock, type NewId } from './services/clock.ts'
import { createCapture } from './services/capture.ts'
import { CloudJobs } from './services/cloud-jobs.ts'
import { createCloudLooks } from './services/cloud-looks.ts'
import { Clouds } from './services/clouds.ts'
import { createConnectionService, type ConnectionService } from './services/connections.ts'
import { DiskLooks } from './services/disk-looks.ts'
import { diskPlaces, diskPlacesProblems, makeLocationsRelative } from './services/disk-places.ts'
import { createFreeSpace } from './services/free-space.ts'
import { createDiskService } from './services/disks.ts'
import { createOperationService } from './services/operations.ts'
import { createPolicyService } from './services/policies.ts'
import { createPolicyRuns } from './services/policy-runs.ts'
import { Sealing } from './services/sealing.ts'
import { createSnapshotService } from './services/snapshots.ts'
import { createTokenService } from './services/tokens.ts'
import type { Viewer } from './services/viewer.ts'
import { followContexts } from './tracing/async-contexts.ts'
import { openDiskTransitionLog, openTransitionLog, type TransitionLog } from './transitions/log.ts'
import { ProgressBoard } from './transitions/progress.ts'
import type { AnyTransition } from './transitions/transition.ts'
import { DAY_MS } from './domain/units.ts'

/** What a test may take into its own hands. */
export interface AppOptions {
  now?: Clock
  /** Milliseconds from an arbitrary start, against which the clock is held; goes with `now` unless given. */
  steadyMs?: () => number
  newId?: NewId
  /** Whether work is done in the background; without it, a test drives `runner.tick()` and `looks.lookAtAll()`. */
  background?: boolean
  /** Whether operations have spans: `startTracing` was called. */
  isTracing?: boolean
  /** Where connections to clouds find the credentials that they reference as `env:`. */
  environment?: Record<string, string | undefined>
  /** Called with the SQL of every statement. */
  onStatement?: (sql: string) => void
}

/** What a gateway is started with. */
interface Start {
  config: Config
  log: Logger
  /** What starts is disposed of in the reverse order. */
  parts: AsyncDisposableStack
  now: Clock
  newId: NewId
  background: boolean
  environment: Record<string, string | undefined>
  seen: Observability
  db: Database
}

/** Starts the whole gateway, part by part; disposing it stops the parts in the reverse order. */
export async function startApp(config: Config, log: Logger, options: AppOptions = {}) {
  followContexts()
  await using parts = new AsyncDisposableStack()
  const start = await openDatabase(config, log, { options, parts })
  const { db, now, newId, background } = start
  const steadyMs = options.steadyMs ?? (options.now ? () => now().getTime() : () => performance.now())
  const clock = createClockWatch({ db, now, steadyMs })
  await clock.look()
  const access = await openAccess(start)
  const { credentials, tokens, viewer } = access
  const storage = await openStorage(start, viewer)
  const logs = await openLogs(start)
  const services = createServices(start, { storage, logs, steadyMs })
  const { runner, poller, looks, snapshots, policies, runs } = services
  // What other gateways have changed.
  parts.defer(
    db.reader.onApplied((tables) => {
      if (tables.has('ApiToken')) void credentials.check()
      if (tables.has('SnapshotTransition') || tables.has('DiskTransition') || tables.has('Job'))
        services.announce()
      if (tables.has('Job') || tables.has('Snapshot')) services.progress.changedElsewhere()
    }),
  )
  const scheduler = parts.use(createScheduler({ ...start, ...services, looks: services.allLooks }))
  const housekeeping = parts.use(
    createHousekeeping({
      ...start,
      ...services,
      sweep: storage.sweep,
      logs: [logs.transitions, logs.diskTransitions],
      logKeptMs: config.logRetention.days * DAY_MS,
      logKeptEvents: config.logRetention.events,
      runsKeptMs: runsKeptMs(config),
      activityKeptMs: config.activityRetentionDays * DAY_MS,
      clock,
    }),
  )
  services.onDeletionLeft(() => housekeeping.wake())
  if (background) {
    credentials.start()
    parts.use(startInventory({ looks, intervalMs: config.inventoryIntervalMs, log }))
  }
  const { server, metricsUrl } = await serve(start, { access, storage, logs, services })

  // Not before it listens: what has piled up must not delay that.
  if (background) {
    housekeeping.start()
    runner.start()
    poller.start()
    scheduler.start()
  }

  const running = parts.move()
  return {
    url: server.url,
    metricsUrl,
    /** Reads the trusted documents again. */
    reloadDocuments: server.reloadDocuments,
    db,
    now,
    newId,
    tokens,
    credentials,
    viewer,
    ...logs,
    disks: services.disks,
    looks,
    snapshots,
    policies,
    connections: services.connections,
    runs,
    runner,
    poller,
    scheduler,
    housekeeping,
    progress: services.progress,
    async [Symbol.asyncDispose]() {
      await server.drain()
      // Leases go back first: another process can go on while clients are still being let go. It is awaited, and may fail, in its turn.
      runner[Symbol.asyncDispose]().catch(() => undefined)
      await running.disposeAsync()
    },
  }
}

const disksDirOf = ({ dataDir }: Config) => join(dataDir, 'disks')
const runsKeptMs = (config: Config) => config.autoSnapshotRunRetentionDays * DAY_MS

/** Prepares the directories, and opens the database. */
async function openDatabase(
  config: Config,
  log: Logger,
  { options, parts }: { options: AppOptions; parts: AsyncDisposableStack },
): Promise<Start> {
  const { isTracing = false, environment = process.env, onStatement } = options
  const { now = () => new Date(), newId = newRandomId, background = true } = options
  for (const dir of [disksDirOf(config), config.snapshotsDir]) {
    await mkdir(dir, { recursive: true, mode: PRIVATE_FOLDER })
  }
  const problems = await diskPlacesProblems(config)
  if (problems.length > 0) throw new ConfigError(problems)
  for (const problem of await closeDataToOthers(config)) log.warn(problem)
  const seen = parts.use(await createObservability(config, log, isTracing))
  const db = await startDatabase(config, { log, observer: seen.database, onStatement }, parts)
  // Locations on a server have always been relative.
  if (!isPostgresql(config.databaseUrl)) await makeLocationsRelative(db, config.dataDir)
  return { config, log, parts, now, newId, background, environment, seen, db }
}

type Access = Awaited<ReturnType<typeof openAccess>>

/** Who may use the gateway. */
async function openAccess({ config, log, parts, now, newId, db }: Start) {
  const viewer = await localViewer(db, now)
  const tokens = createTokenService({ db, announce: () => credentials.check(), now, newId })
  const credentials = parts.use(
    await createCredentials({
      tokens,
      // Only who accepts them needs what verifies them.
      verifyJwt: config.jwt && (await import('./server/auth/jwt.ts')).createJwtVerifier(config.jwt, log),
      accountIdOf: createAccountIds(db, { now, newId }),
      localViewer: viewer,
      required: config.requireCredentials,
      now,
      log,
    }),
  )
  if (!credentials.required && !isLoopback(config.host)) throw new Error(openToOthers(config.host))
  return { viewer, tokens, credentials }
}

type Storage = Awaited<ReturnType<typeof openStorage>>

/** Where the disks and the copies are; on a first start, with the demo. */
async function openStorage({ config, parts, now, newId, seen, db }: Start, viewer: Viewer) {
  const provider = watchedProvider(
    parts.use(
      createLocalProvider({
        ...(await diskPlaces(config, db, { now, newId })),
        host: config.hostLabel,
        maxAttempts: config.copyAttempts,
        minFreeBytes: config.minFreeBytes,
        qmpSockets: config.qmpSockets,
      }),
    ),
    seen.metrics,
  )
  const sweep = () => sweepStorage(provider, db)
  await sweep()
  const { snapshotsDir } = config
  if (config.demo) {
    const disksDir = disksDirOf(config)
    await createDemoWorld({ db, viewer, provider, disksDir, snapshotsDir, now, newId })
  }
  const { minFreeBytes } = config
  const directories = [dirname(db.path), snapshotsDir]
  return {
    provider,
    sweep,
    spaceRefusals: createFreeSpace({ host: provider.host, directories, minFreeBytes }),
  }
}

type Logs = Awaited<ReturnType<typeof openLogs>>

/** The transition logs, and what delivers their transitions. */
async function openLogs({ config, log, parts, db }: Start) {
  const [transitions, diskTransitions] = [await openTransitionLog(db), await openDiskTransitionLog(db)]
  const hubOf = <T extends AnyTransition>(transitionLog: TransitionLog<T>) =>
    parts.use(
      new TransitionHub({
        log: transitionLog,
        bufferEvents: config.streamBuffer.events,
        pollMs: config.logPollMs,
        onError: (error) => logFault(log, error, 'the transition log could not be read'),
        onRestored: () => log.warn('the database was restored; subscriptions were ended with CURSOR_EXPIRED'),
      }),
    )
  return { transitions, diskTransitions, hub: hubOf(transitions), diskHub: hubOf(diskTransitions) }
}

type Services = ReturnType<typeof createServices>

/** What mutations do, and the runner, which does the rest. */
function createServices(
  start: Start,
  {
    storage: { provider, spaceRefusals },
    logs: { hub, diskHub },
    steadyMs,
  }: { storage: Storage; logs: Logs; steadyMs: () => number },
) {
  const { config, log, parts, now, newId, background, environment, seen, db } = start
  const progress = new ProgressBoard()
  const announceTransitions = () => {
    hub.wake()
    diskHub.wake()
  }
  const runner = parts.use(
    new Runner({
      ...{ db, provider, progress, log, now, newId, leaseNow: leaseClock(db, now) },
      announce: announceTransitions,
      concurrency: config.copyConcurrency,
      leaseMs: config.leaseMs,
      observer: seen.jobs,
    }),
  )
  const announce = () => {
    announceTransitions()
    if (background) runner.wake()
    clouds.poller.wake()
  }
  const made = { db, announce, now, newId }
  const connections = createConnectionService({
    db,
    sealing: new Sealing(config.credentialsKeys),
    upstreamHosts: config.upstreamHosts,
    references: config.credentialReferences,
    environment,
    announce,
    watched: (cloud) => watchedCloud(cloud, seen.metrics),
    now,
    newId,
  })
  const announceSeen = () => {
    announceTransitions()
    progress.changedElsewhere()
  }
  const clouds = createClouds(start, { connections, announce: announceSeen, steadyMs })
  const looks = new DiskLooks({ db, provider, announce: announceTransitions, now })
  /** Looks at a disk, whether it is here or in a cloud. */
  const allLooks = {
    async lookAt(viewer: Pick<Viewer, 'accountId'>, diskId: string): Promise<void> {
      await Promise.all([looks.lookAt(viewer, diskId), clouds.looks.lookAt(viewer, diskId)])
    },
  }
  const capture = createCapture({ db, provider, log })
  const runs = createPolicyRuns({ now, newId, keptMs: runsKeptMs(config) })
  let wakeHousekeeping = () => {}
  return {
    progress,
    runner,
    announce,
    looks,
    allLooks,
    poller: clouds.poller,
    runs,
    disks: createDiskService({ ...made, provider, looks, locate: provider.locate }),
    operations: createOperationService(made),
    connections,
    snapshots: createSnapshotService({
      ...made,
      looks: allLooks,
      submitted: (snapshot) => clouds.jobs.submitted(snapshot),
      renamed: (snapshot, change) => clouds.jobs.renamed(snapshot, change),
      quota: config.snapshotQuota,
      spaceRefusals,
      capture,
    }),
    policies: createPolicyService({
      ...made,
      looks: allLooks,
      runs,
      wakeHousekeeping: () => wakeHousekeeping(),
    }),
    /** Sets what is called when the deletion of a policy is left to housekeeping. */
    onDeletionLeft(wake: () => void): void {
      if (background) wakeHousekeeping = wake
    },
  }
}

/** The clock of the database, which all its gateways share. */
const leaseClock = (db: Database, now: Clock): Clock => {
  return () => new Date(now().getTime() + db.clockOffsetMs())
}

/** What speaks to clouds: for mutations, and in the background. */
function createClouds(
  { config, log, parts, now, newId, db }: Start,
  {
    connections,
    announce,
    steadyMs,
  }: { connections: ConnectionService; announce: () => void; steadyMs: () => number },
) {
  const clouds = new Clouds({ connections, callsPerSecond: config.cloudCallsPerSecond })
  const made = { db, clouds, announce, log, now, newId, leaseNow: leaseClock(db, now) }
  const jobs = parts.use(new CloudJobs({ ...made, answerMs: config.cloudAnswerMs }))
  const inventoryMs = config.cloudInventoryMs
  const poller = parts.use(new CloudPoller({ ...made, jobs, inventoryMs, steadyMs }))
  return { jobs, poller, looks: createCloudLooks(made) }
}

interface Serving {
  access: Access
  storage: Storage
  logs: Logs
  services: Services
}

/** Starts to listen, for clients and for Prometheus. */
async function serve(start: Start, { access, storage, logs, services }: Serving) {
  const { config, log, parts, now, seen, db } = start
  const { credentials, tokens, viewer } = access
  const { provider, spaceRefusals } = storage
  const scans = parts.use(
    new Scans({ path: db.path, timeoutMs: config.operationTimeoutMs, health: db.health }),
  )
  const { runner } = services
  const [traffic, { version }] = [noTraffic(), manifest]
  const server = parts.use(
    await startServer({
      ...settingsOf(config),
      reader: db.reader,
      observer: seen.observer,
      traffic,
      database: db.health,
      rates: parts.use(await createRates(config.rates, config.redisUrl, log)),
      version,
      checks: readinessChecks({ db, runner, provider, spaceRefusals }),
      reports: readinessReports(db),
      gateway: { ...services, ...logs, tokens, quota: config.snapshotQuota },
      credentials,
      reads: (viewer, mayWait) => new Reads(db, viewer, mayWait ? scans : undefined),
      graphiql: config.graphiql ? graphiqlFor(credentials, await exampleIds(db, viewer)) : undefined,
      webConsole: createConsole(),
      log,
    }),
  )
  if (!config.metrics || !seen.metrics) return { server, metricsUrl: undefined }
  const { serveMetrics } = await import('./observability/metrics-server.ts')
  const metricsServer = parts.use(
    await serveMetrics(seen.metrics.registry, config.metrics, {
      db,
      version,
      now,
      logHeads: {
        SNAPSHOT: () => logs.transitions.head().position,
        DISK: () => logs.diskTransitions.head().position,
      },
      traffic,
      usage: () => server.usage(),
    }),
  )
  return { server, metricsUrl: metricsServer.url }
}

/** The settings of the server. */
function settingsOf(config: Config) {
  const { host, port, maxBodyBytes, answerCacheBytes, staleReads, documentLimits, maxCost } = config
  const {
    maxAnswerBytes,
    operationTimeoutMs,
    connectionLimits,
    cors,
    introspection,
    registeredDocumentBytes,
  } = config
  const { streamBuffer, drainDelayMs, shutdownMs } = config
  return {
    ...{ host, port, maxBodyBytes, answerCacheBytes, staleReads, documentLimits, maxCost },
    ...{ maxAnswerBytes, operationTimeoutMs, connectionLimits, cors, introspection, registeredDocumentBytes },
    ...{ streamBuffer, drainDelayMs, shutdownMs },
    windowSeconds: config.rates.windowSeconds,
    trustedDocuments: { paths: config.trustedDocuments, only: config.trustedDocumentsOnly },
  }
}

/** Removes what the provider has left behind, but not what it captured for snapshots that still wait for their copy. */
function sweepStorage(provider: Pick<DiskProvider, 'sweep'>, db: Database): Promise<void> {
  return provider.sweep(async (ids) => {
    const waiting = await db.snapshot.findMany({
      where: { id: { in: [...ids] }, status: 'CREATING' },
      select: { id: true },
    })
    return new Set(waiting.map(({ id }) => id))
  })
}

/** Closes the data folder, and a database that lies elsewhere, to other users; returns what could not be closed. */
async function closeDataToOthers(config: Config): Promise<string[]> {
  const { dataDir, snapshotsDir } = config
  const database = databaseFiles(await readFileOf(config))
  return [
    ...(await closeToOthers(database)),
    ...(await closeFolder(dataDir, ['disks', basename(snapshotsDir)])),
  ]
}

interface Examples {
  diskId: string
  snapshotId: string
}

const NO_EXAMPLES: Examples = { diskId: 'v-…', snapshotId: 's-…' }

/** A disk that can take a snapshot and the newest snapshot, for the examples that a newcomer is shown. */
export async function exampleIds(db: Database, { accountId }: Viewer): Promise<Examples> {
  const disk = await db.disk.findFirst({
    where: { accountId, status: { in: ['UNMOUNTED', 'IN_USE'] } },
    orderBy: [{ createdAt: 'asc' }, { status: 'desc' }, { sizeBytes: 'desc' }],
  })
  const snapshot = await db.snapshot.findFirst({
    where: { accountId },
    orderBy: [{ createdAt: 'desc' }, { id: 'asc' }],
  })
  return {
    diskId: disk?.id ?? NO_EXAMPLES.diskId,
    snapshotId: snapshot?.id ?? NO_EXAMPLES.snapshotId,
  }
}

function openToOthers(host: string): string {
  return `Without credentials the gateway listens on this machine only, and HOST is ${host}. Do one of these:
  make an API token:      npm run token -- create --name <name> --role admin
  accept JWTs:            set JWT_ISSUER, JWT_AUDIENCE and JWT_JWKS_URL or JWT_SECRET
  start without any yet:  set REQUIRE_CREDENTIALS=true
  stay on this machine:   leave HOST out`
}

/** GraphiQL, with the ids of the local account in its examples only for as long as everybody may see them. */
function graphiqlFor(credentials: Credentials, local: Examples): PageHandler {
  const open = createGraphiql({ tabs: preparedTabs(local) })
  const closed = createGraphiql({
    tabs: preparedTabs(NO_EXAMPLES),
    headers: { authorization: 'Bearer <token>' },
  })
  return (request, response) => (credentials.required ? closed : open)(request, response)
}
