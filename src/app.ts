import { mkdir } from 'node:fs/promises'
import { basename, join } from 'node:path'
import type { Logger } from 'pino'
import { ConfigError, isLoopback, type Config } from './config.ts'
import { openDatabase, type Database } from './database/database.ts'
import { databaseFiles, databasePath } from './database/database-file.ts'
import { logFault } from './database/log-fault.ts'
import { closeFolder, closeToOthers, PRIVATE_FOLDER } from './database/private-files.ts'
import { checkAfterInterruption, startDatabaseWatch } from './database/watch.ts'
import { noteStopped } from './database/world.ts'
import { migrate } from './database/migrations.ts'
import { TransitionHub } from './delivery/hub.ts'
import { createDemoWorld } from './demo/world.ts'
import { createLocalProvider } from './providers/local/local.ts'
import type { DiskProvider } from './providers/provider.ts'
import { Reads } from './reads/reads.ts'
import { Scans } from './reads/scans.ts'
import { createHousekeeping } from './runner/housekeeping.ts'
import { startInventory } from './runner/inventory.ts'
import { createRunner } from './runner/runner.ts'
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
import { createDiskOperationService } from './services/disk-operations.ts'
import { diskPlaces, diskPlacesProblems, makeLocationsRelative } from './services/disk-places.ts'
import { createDiskService } from './services/disks.ts'
import { createOperationService } from './services/operations.ts'
import { createPolicyService } from './services/policies.ts'
import { createPolicyRuns } from './services/policy-runs.ts'
import { createSnapshotService } from './services/snapshots.ts'
import { createTokenService } from './services/tokens.ts'
import type { Viewer } from './services/viewer.ts'
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
  /** Whether work is done in the background; without it, a test drives `runner.tick()` and `disks.lookAtAll()`. */
  background?: boolean
  /** Called with the SQL of every statement. */
  onStatement?: (sql: string) => void
}

/** Starts the whole gateway, part by part; disposing it stops the parts in the reverse order. */
export async function startApp(config: Config, log: Logger, options: AppOptions = {}) {
  const { now = () => new Date(), newId = newRandomId, background = true, onStatement } = options
  const steadyMs = options.steadyMs ?? (options.now ? () => now().getTime() : () => performance.now())
  await using parts = new AsyncDisposableStack()
  const disksDir = join(config.dataDir, 'disks')

  for (const dir of [disksDir, config.snapshotsDir]) {
    await mkdir(dir, { recursive: true, mode: PRIVATE_FOLDER })
  }
  const problems = await diskPlacesProblems(config)
  if (problems.length > 0) throw new ConfigError(problems)
  for (const problem of await closeDataToOthers(config)) log.warn(problem)
  await checkAfterInterruption(config.databaseUrl, log)
  await migrate(config.databaseUrl)
  const db = await openDatabase({ url: config.databaseUrl, readsIndex: config.readWalIndex, onStatement })
  parts.defer(() => {
    if (!db.health.isLost) noteStopped(db.path)
  })
  parts.use(db)
  parts.use(startDatabaseWatch(db, log))
  await makeLocationsRelative(db, config.dataDir)
  const scans = parts.use(
    new Scans({ path: db.path, timeoutMs: config.operationTimeoutMs, health: db.health }),
  )
  const clock = createClockWatch({ db, now, steadyMs })
  await clock.look()
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

  const provider = parts.use(
    createLocalProvider({
      ...(await diskPlaces(config, db, { now, newId })),
      maxAttempts: config.copyAttempts,
    }),
  )
  const sweep = () => sweepStorage(provider, db)
  await sweep()
  const { snapshotsDir } = config
  if (config.demo) await createDemoWorld({ db, viewer, provider, disksDir, snapshotsDir, now, newId })

  const progress = new ProgressBoard()
  const [transitions, diskTransitions] = [await openTransitionLog(db), await openDiskTransitionLog(db)]
  const hubOf = <T extends AnyTransition>(transitionLog: TransitionLog<T>) =>
    new TransitionHub({
      log: transitionLog,
      bufferEvents: config.streamBuffer.events,
      pollMs: config.logPollMs,
      onError: (error) => logFault(log, error, 'the transition log could not be read'),
      onRestored: () => log.warn('the database was restored; subscriptions were ended with CURSOR_EXPIRED'),
    })
  const hub = parts.use(hubOf(transitions))
  const diskHub = parts.use(hubOf(diskTransitions))
  const announceTransitions = () => {
    hub.wake()
    diskHub.wake()
  }
  const runner = parts.use(
    createRunner({
      db,
      provider,
      progress,
      announce: announceTransitions,
      log,
      now,
      concurrency: config.copyConcurrency,
      leaseMs: config.leaseMs,
    }),
  )
  const disks = createDiskService({
    db,
    provider,
    locate: provider.locate,
    announce: announceTransitions,
    now,
    newId,
  })
  const announce = () => {
    announceTransitions()
    if (background) runner.wake()
  }
  const { snapshotQuota: quota } = config
  const capture = createCapture({ db, provider, log })
  const snapshots = createSnapshotService({ db, disks, quota, announce, capture, now, newId })
  const diskOperations = createDiskOperationService({ db, provider, disks, announce, now, newId })
  const operations = createOperationService({ db, announce, now })
  const runsKeptMs = config.autoSnapshotRunRetentionDays * DAY_MS
  const runs = createPolicyRuns({ now, newId, keptMs: runsKeptMs })
  const policies = createPolicyService({
    db,
    disks,
    runs,
    announce,
    wakeHousekeeping: () => {
      if (background) housekeeping.wake()
    },
    now,
    newId,
  })
  const scheduler = parts.use(createScheduler({ db, disks, snapshots, runs, announce, now, log }))
  const housekeeping = parts.use(
    createHousekeeping({
      db,
      snapshots,
      policies,
      sweep,
      logs: [transitions, diskTransitions],
      logKeptMs: config.logRetention.days * DAY_MS,
      logKeptEvents: config.logRetention.events,
      runsKeptMs,
      now,
      clock,
      log,
    }),
  )
  if (background) {
    credentials.start()
    parts.use(startInventory({ disks, intervalMs: config.inventoryIntervalMs, log }))
  }

  const rates = parts.use(await createRates(config.rates, config.redisUrl, log))
  const server = parts.use(
    await startServer({
      host: config.host,
      port: config.port,
      maxBodyBytes: config.maxBodyBytes,
      answerCacheBytes: config.answerCacheBytes,
      reader: db.reader,
      database: db.health,
      documentLimits: config.documentLimits,
      maxCost: config.maxCost,
      maxAnswerBytes: config.maxAnswerBytes,
      rates,
      windowSeconds: config.rates.windowSeconds,
      connectionLimits: config.connectionLimits,
      allowedOrigins: config.allowedOrigins,
      introspection: config.introspection,
      trustedDocuments:
        config.trustedDocuments === undefined
          ? undefined
          : { path: config.trustedDocuments, only: config.trustedDocumentsOnly },
      streamBuffer: config.streamBuffer,
      shutdownMs: config.shutdownMs,
      gateway: {
        disks,
        diskOperations,
        operations,
        snapshots,
        policies,
        tokens,
        transitions,
        diskTransitions,
        hub,
        diskHub,
        progress,
        quota,
      },
      credentials,
      reads: (viewer, mayWait) => new Reads(db, viewer, mayWait ? scans : undefined),
      graphiql: config.graphiql ? graphiqlFor(credentials, await exampleIds(db, viewer)) : undefined,
      webConsole: createConsole(),
      log,
    }),
  )

  // Not before it listens: what has piled up must not delay that.
  if (background) {
    housekeeping.start()
    runner.start()
    scheduler.start()
  }

  const running = parts.move()
  return {
    url: server.url,
    db,
    now,
    newId,
    disks,
    tokens,
    credentials,
    diskOperations,
    snapshots,
    policies,
    runs,
    runner,
    scheduler,
    housekeeping,
    transitions,
    diskTransitions,
    hub,
    diskHub,
    progress,
    viewer,
    async [Symbol.asyncDispose]() {
      // Leases go back first: another process can go on while clients are still being let go. It is awaited, and may fail, in its turn.
      runner[Symbol.asyncDispose]().catch(() => undefined)
      await running.disposeAsync()
    },
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
async function closeDataToOthers({ dataDir, snapshotsDir, databaseUrl }: Config): Promise<string[]> {
  const database = databaseFiles(await databasePath(databaseUrl))
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
