import type { Logger } from 'pino'
import type { Database } from '../database.ts'
import type { DatabaseObserver } from '../observer.ts'
import { DatabaseHealth } from '../health.ts'
import { Reader } from '../sqlite/reader.ts'
import { alone } from './advisory-locks.ts'
import { Notifier } from './notifier.ts'
import { openReplica } from './replica/replica.ts'
import { openServer } from './server.ts'

export interface PostgresqlOptions {
  /** `postgresql://…` */
  url: string
  /** Where the replica is to be; another gateway may have one there, and then it is beside it. */
  replicaPath: string
  /** Whether commits are noticed by reading the index of the write-ahead log of the replica. */
  readsIndex: boolean
  log: Logger
  /** Is told what transactions do. */
  observer?: DatabaseObserver | undefined
  onStatement?: ((sql: string) => void) | undefined
}

/** Connects to a server for writing, and keeps a replica of it for reading; or throws an Error that says why it cannot. */
export async function openPostgresql(options: PostgresqlOptions): Promise<Database> {
  const { url, replicaPath, readsIndex, log, observer, onStatement } = options
  await using opened = new AsyncDisposableStack()
  const replica = opened.use(await openReplica({ url, path: replicaPath, log }))
  const notifier = opened.use(new Notifier(url))
  async function onCommitted(): Promise<void> {
    notifier.notify()
    await replica.fresh()
  }
  const { client, write, ...server } = await openServer({
    url,
    isAway: () => replica.staleSince !== undefined,
    onCommitted,
    observer,
    onStatement,
  })
  opened.use(server)
  const health = new DatabaseHealth()
  const reader = new Reader(replica.path, { health, readsIndex, onStatement, following: replica })
  opened.defer(() => {
    reader[Symbol.dispose]()
    reader.index?.[Symbol.dispose]()
  })
  const parts = opened.move()
  return Object.assign(client, {
    reader,
    write,
    // The server lets nobody wait for a transaction of another account.
    writeInBackground: write,
    alone: (lock: 'demo', work: () => Promise<void>) => alone(url, lock, work),
    health,
    clockOffsetMs: () => replica.clockOffsetMs,
    logBound: undefined,
    path: replica.path,
    [Symbol.asyncDispose]: () => parts.disposeAsync(),
  })
}
