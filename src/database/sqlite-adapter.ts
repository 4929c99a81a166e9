import { setTimeout as pause } from 'node:timers/promises'
import { PrismaBetterSqlite3 } from '@prisma/adapter-better-sqlite3'
import {
  DriverAdapterError,
  type SqlDriverAdapter,
  type SqlMigrationAwareDriverAdapterFactory,
  type SqlQueryable,
  type Transaction,
} from '@prisma/driver-adapter-utils'
import type { Database as Connection } from 'better-sqlite3'
import type { GroupCommit } from './group-commit.ts'

export interface SqliteAdapterOptions {
  /** Path of the database file. */
  path: string
  /** How long a statement waits for another process that is writing, in milliseconds. */
  busyTimeoutMs: number
  /** Is given the connection, to write on it under the same lock. */
  groupCommit?: GroupCommit
}

/**
 * Prisma's better-sqlite3 adapter, made safe to share. It has one connection, so on its own a plain write of one
 * request runs inside the open transaction of another, is acknowledged, and vanishes with that one's rollback; and
 * a COMMIT that fails leaves the transaction open for ever. Here one first-come lock covers each statement outside
 * a transaction and each transaction as a whole, every transaction takes SQLite's write lock when it begins, and
 * none is left open. A write that another process holds up is tried again, and meanwhile neither the event loop nor
 * this lock is held, so reads go on; after `busyTimeoutMs` it fails with Prisma's P1008 and leaves nothing behind.
 */
export function sqliteAdapter(options: SqliteAdapterOptions): SqlMigrationAwareDriverAdapterFactory {
  const official = new PrismaBetterSqlite3({ url: options.path, timeout: BLOCKING_WAIT_MS })
  return {
    provider: official.provider,
    adapterName: official.adapterName,
    connect: async () => serialize(await official.connect(), options),
    connectToShadowDb: async () => serialize(await official.connectToShadowDb(), options),
  }
}

/** How long SQLite itself waits for another process, which blocks the event loop, and the pause between two tries. */
const BLOCKING_WAIT_MS = 5
const RETRY_MS = 20

async function serialize(
  adapter: SqlDriverAdapter,
  { busyTimeoutMs, groupCommit }: SqliteAdapterOptions,
): Promise<SqlDriverAdapter> {
  // Not part of its type, but the only way to the connection that the adapter uses.
  const { client } = adapter as SqlDriverAdapter & { client: Connection }

  async function patiently<T>(attempt: () => Promise<T>): Promise<T> {
    const deadline = performance.now() + busyTimeoutMs
    for (;;) {
      try {
        return await attempt()
      } catch (error) {
        if (!isBusy(error) || performance.now() >= deadline) throw error
        await pause(RETRY_MS)
      }
    }
  }

  for (const setting of ['journal_mode = WAL', 'synchronous = FULL', 'foreign_keys = ON']) {
    await patiently(() => adapter.executeScript(`PRAGMA ${setting}`))
  }

  const acquire = lock()
  let open: object | undefined
  groupCommit?.connect({ client, acquire, busyTimeoutMs, transaction: () => open })
  async function alone<T>(work: () => Promise<T>): Promise<T> {
    const release = await acquire()
    try {
      return await work()
    } finally {
      release()
    }
  }

  return {
    provider: adapter.provider,
    adapterName: adapter.adapterName,
    queryRaw: (query) => patiently(() => alone(() => adapter.queryRaw(query))),
    executeRaw: (query) => patiently(() => alone(() => adapter.executeRaw(query))),
    executeScript: (script) => alone(() => adapter.executeScript(script)),
    dispose: () => alone(() => adapter.dispose()),
    // SQLite is serializable at every isolation level, so the one that is asked for makes no difference.
    startTransaction: () =>
      patiently(async () => {
        const release = await acquire()
        try {
          await execute(adapter, 'BEGIN IMMEDIATE')
        } catch (error) {
          release()
          throw error
        }
        open = {}
        return transaction(adapter, client, () => {
          open = undefined
          release()
        })
      }),
  }
}

/** Whether another process holds the lock that is needed. */
function isBusy(error: unknown): boolean {
  return error instanceof DriverAdapterError && error.cause.kind === 'SocketTimeout'
}

function transaction(adapter: SqlDriverAdapter, client: Connection, release: () => void): Transaction {
  let ended = false

  /** A statement that comes after the end, be it Prisma's timeout or SQLite's own rollback, must not run bare. */
  async function inside<T>(work: () => Promise<T>): Promise<T> {
    if (ended || !client.inTransaction) {
      throw new DriverAdapterError({ kind: 'TransactionAlreadyClosed', cause: 'it was rolled back' })
    }
    return work()
  }

  async function end(commit: boolean): Promise<void> {
    if (ended) return
    ended = true
    try {
      if (commit) await execute(adapter, 'COMMIT')
    } finally {
      // Whoever waits goes on in a later turn, so after the ROLLBACK.
      release()
      if (client.inTransaction) client.exec('ROLLBACK')
    }
  }

  return {
    provider: adapter.provider,
    adapterName: adapter.adapterName,
    // Prisma then leaves COMMIT and ROLLBACK to the two methods below, instead of sending them as statements.
    options: { usePhantomQuery: true },
    queryRaw: (query) => inside(() => adapter.queryRaw(query)),
    executeRaw: (query) => inside(() => adapter.executeRaw(query)),
    commit: () => end(true),
    rollback: () => end(false),
    createSavepoint: (name) => inside(() => execute(adapter, `SAVEPOINT ${name}`)),
    rollbackToSavepoint: (name) => inside(() => execute(adapter, `ROLLBACK TO ${name}`)),
    releaseSavepoint: (name) => inside(() => execute(adapter, `RELEASE SAVEPOINT ${name}`)),
  }
}

async function execute(queryable: SqlQueryable, sql: string): Promise<void> {
  await queryable.executeRaw({ sql, args: [], argTypes: [] })
}

/** A first-come lock: each call resolves, once all before it have let go, with the function that lets go. */
function lock(): () => Promise<() => void> {
  let last = Promise.resolve()
  return async () => {
    const before = last
    let release: () => void = () => undefined
    last = new Promise((resolve) => (release = resolve))
    await before
    return release
  }
}
