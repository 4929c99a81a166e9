import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Logger } from 'pino'
import type { Config } from './config.ts'
import { openDatabase, type Database } from './database/database.ts'
import { migrate } from './database/migrations.ts'
import { createDemoWorld } from './demo/world.ts'
import { createLocalProvider } from './providers/local/local.ts'
import { resolveDiskPath } from './providers/local/disk-file.ts'
import { createReads } from './reads/reads.ts'
import { createHousekeeping } from './runner/housekeeping.ts'
import { startInventory } from './runner/inventory.ts'
import { createRunner } from './runner/runner.ts'
import { createGraphiql } from './server/graphiql/graphiql.ts'
import { preparedTabs } from './server/graphiql/tabs.ts'
import { startServer } from './server/http.ts'
import { localViewer } from './services/accounts.ts'
import { newRandomId, type Clock, type NewId } from './services/clock.ts'
import { createDiskService } from './services/disks.ts'
import { createSnapshotService } from './services/snapshots.ts'
import type { Viewer } from './services/viewer.ts'
import { startTransitionHub } from './transitions/hub.ts'
import { openTransitionLog } from './transitions/log.ts'
import { ProgressBoard } from './transitions/progress.ts'

const DAY_MS = 86_400_000

/** What a test may take into its own hands. */
export interface AppOptions {
  now?: Clock
  newId?: NewId
  /** Whether work is done in the background; without it, a test drives `runner.tick()` and `disks.lookAtAll()`. */
  background?: boolean
  /** Who asks; the local viewer unless a test says otherwise. */
  authenticate?: () => Viewer
  /** Called with the SQL of every statement. */
  onStatement?: (sql: string) => void
}

/** Starts the whole gateway, part by part; disposing it stops the parts in the reverse order. */
export async function startApp(
  config: Config,
  log: Logger,
  {
    now = () => new Date(),
    newId = newRandomId,
    background = true,
    authenticate,
    onStatement,
  }: AppOptions = {},
) {
  await using parts = new AsyncDisposableStack()
  const disksDir = join(config.dataDir, 'disks')

  for (const dir of [disksDir, config.snapshotsDir]) await mkdir(dir, { recursive: true })
  await migrate(config.databaseUrl)
  const db = parts.use(await openDatabase({ url: config.databaseUrl, onStatement }))
  const viewer = await localViewer(db, now)

  const provider = parts.use(
    createLocalProvider({
      snapshotsDir: config.snapshotsDir,
      diskDirs: config.diskDirs,
      maxAttempts: config.copyAttempts,
    }),
  )
  await provider.sweep()
  const { snapshotsDir } = config
  if (config.demo) await createDemoWorld({ db, viewer, provider, disksDir, snapshotsDir, now, newId })

  const progress = new ProgressBoard()
  const transitions = await openTransitionLog(db)
  const hub = parts.use(
    await startTransitionHub({
      log: transitions,
      bufferEvents: config.streamBuffer.events,
      pollMs: config.logPollMs,
      onError: (error) => log.error({ err: error }, 'the transition log could not be read'),
    }),
  )
  const runner = parts.use(
    createRunner({
      db,
      provider,
      progress,
      announce: hub.wake,
      log,
      now,
      concurrency: config.copyConcurrency,
      leaseMs: config.leaseMs,
    }),
  )
  const disks = createDiskService({
    db,
    provider,
    locate: (path) => resolveDiskPath(path, config.diskDirs),
    now,
    newId,
  })
  const snapshots = createSnapshotService({
    db,
    disks,
    quota: config.snapshotQuota,
    announce: () => {
      hub.wake()
      if (background) runner.wake()
    },
    now,
    newId,
  })
  const housekeeping = parts.use(
    createHousekeeping({
      db,
      transitions,
      logKeptMs: config.logRetention.days * DAY_MS,
      logKeptEvents: config.logRetention.events,
      now,
      log,
    }),
  )
  if (background) {
    housekeeping.start()
    runner.start()
    parts.use(startInventory({ disks, intervalMs: config.inventoryIntervalMs, log }))
  }

  const server = parts.use(
    await startServer({
      host: config.host,
      port: config.port,
      maxBodyBytes: config.maxBodyBytes,
      answerCacheBytes: config.answerCacheBytes,
      database: db,
      streamBuffer: config.streamBuffer,
      shutdownMs: config.shutdownMs,
      gateway: { disks, snapshots, transitions, hub, progress, quota: config.snapshotQuota },
      authenticate() {
        const asking = authenticate?.() ?? viewer
        return { viewer: asking, reads: createReads(db, asking) }
      },
      graphiql: config.graphiql
        ? createGraphiql({ tabs: preparedTabs(await exampleIds(db, viewer)) })
        : undefined,
      log,
    }),
  )

  const running = parts.move()
  return {
    url: server.url,
    db,
    disks,
    runner,
    housekeeping,
    transitions,
    hub,
    progress,
    viewer,
    async [Symbol.asyncDispose]() {
      runner.drain()
      await running.disposeAsync()
    },
  }
}

/** A disk that can take a snapshot and the newest snapshot, for the examples that a newcomer is shown. */
export async function exampleIds(
  db: Database,
  { accountId }: Viewer,
): Promise<{ diskId: string; snapshotId: string }> {
  const disk = await db.disk.findFirst({
    where: { accountId, status: { in: ['UNMOUNTED', 'IN_USE'] } },
    orderBy: [{ createdAt: 'asc' }, { status: 'desc' }, { sizeBytes: 'desc' }],
  })
  const snapshot = await db.snapshot.findFirst({
    where: { accountId },
    orderBy: [{ createdAt: 'desc' }, { id: 'asc' }],
  })
  return { diskId: disk?.id ?? 'v-…', snapshotId: snapshot?.id ?? 's-…' }
}
