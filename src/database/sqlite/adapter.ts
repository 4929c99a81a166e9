import { PrismaBetterSqlite3 } from '@prisma/adapter-better-sqlite3'
import {
  DriverAdapterError,
  type SqlDriverAdapter,
  type SqlMigrationAwareDriverAdapterFactory,
  type SqlQueryable,
  type Transaction,
} from '@prisma/driver-adapter-utils'
import type { Database as Connection } from 'better-sqlite3'
import { Unavailable } from '../../domain/unavailable.ts'
import { LOG_LIMIT_BYTES } from './checkpoints.ts'
import type { GroupCommit } from './group-commit.ts'
import { DatabaseHealth } from '../health.ts'
import { patiently, Writer } from './writer.ts'

export interface SqliteAdapterOptions {
  /** Path of the database file. */
  path: string
  /** How long a statement waits for another process that is writing, in milliseconds. */
  busyTimeoutMs: number
  /** Is told of what fails; and says when nothing may be read or written. */
  health?: DatabaseHealth
  /** Is given the connection, to write on it under the same lock. */
  groupCommit?: GroupCommit
}

/**
 * Prisma's better-sqlite3 adapter, made safe to share. It has one connection, so on its own a plain write of one
 * request runs inside the open transaction of another, is acknowledged, and vanishes with that one's rollback; and
 * a COMMIT that fails leaves the transaction open. Here one first-come lock covers each read outside a transaction and
 * each transaction as a whole; a write outside is a transaction of its own. Every transaction takes SQLite's write lock when
 * it begins, and none is left open. A write that another process holds up is tried again, and meanwhile neither the event
 * loop nor this lock is held, so reads go on; after `busyTimeoutMs` it fails and leaves nothing behind.
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

/** Of each connection. */
const SETTINGS = [
  'journal_mode = WAL',
  'synchronous = FULL',
  'foreign_keys = ON',
  // What undoes a savepoint would go to a file of the system's temporary directory once it is larger than 64 KiB: rows of
  // all accounts, in a place that a hardened installation may not have.
  'temp_store = MEMORY',
  `journal_size_limit = ${LOG_LIMIT_BYTES}`,
]

/** How long SQLite itself waits for another process, which blocks the event loop, in milliseconds. */
const BLOCKING_WAIT_MS = 5

async function serialize(
  adapter: SqlDriverAdapter,
  { busyTimeoutMs, groupCommit, health = new DatabaseHealth() }: SqliteAdapterOptions,
): Promise<SqlDriverAdapter> {
  // Not part of its type, but the only way to the connection that the adapter uses.
  const { client } = adapter as SqlDriverAdapter & { client: Connection }
  const writer = new Writer({ client, busyTimeoutMs, health })

  /** Does what only reads. It waits where another process is recovering the write-ahead log. */
  async function read<T>(work: () => Promise<T>): Promise<T> {
    const attempt = async () => {
      health.checkReadable()
      return work()
    }
    try {
      return await patiently(attempt, isBusy, performance.now() + busyTimeoutMs)
    } catch (error) {
      throw failed(error)
    }
  }

  /** What is to be thrown in place of an error of the adapter, which has the code of SQLite further down. */
  function failed(error: unknown): unknown {
    if (!(error instanceof DriverAdapterError)) return health.failed(error)
    const { originalCode: code, originalMessage = error.message } = error.cause
    const failure = health.failed(Object.assign(new Error(originalMessage), { code }))
    return failure instanceof Unavailable ? failure : error
  }

  for (const setting of SETTINGS) {
    await read(() => adapter.executeScript(`PRAGMA ${setting}`))
  }

  groupCommit?.connect(writer)
  async function alone<T>(work: () => Promise<T>): Promise<T> {
    const release = await writer.acquire()
    try {
      return await work()
    } finally {
      release()
    }
  }

  /** Does one statement outside a transaction: a read as it is, anything else as a transaction of its own. */
  async function bare<T>(sql: string, work: () => Promise<T>): Promise<T> {
    if (IS_READ.test(sql)) return read(() => alone(work))
    const release = await writer.begin()
    try {
      const result = await work()
      await commit(adapter, writer)
      return result
    } catch (error) {
      throw failed(error)
    } finally {
      writer.rollBack()
      release()
    }
  }

  return {
    provider: adapter.provider,
    adapterName: adapter.adapterName,
    queryRaw: (query) => bare(query.sql, () => adapter.queryRaw(query)),
    executeRaw: (query) => bare(query.sql, () => adapter.executeRaw(query)),
    executeScript: (script) => alone(() => adapter.executeScript(script)),
    dispose: () => alone(() => adapter.dispose()),
    // SQLite is serializable at every isolation level, so the one that is asked for makes no difference.
    startTransaction: async () => {
      const release = await writer.begin()
      return transaction(adapter, { writer, failed, onEnd: release })
    },
  }
}

/** What changes nothing, and some of which cannot be done inside a transaction. */
const IS_READ = /^\s*(SELECT|PRAGMA|EXPLAIN)\b/i

/** Whether another process holds the lock that is needed. */
function isBusy(error: unknown): boolean {
  return error instanceof DriverAdapterError && error.cause.kind === 'SocketTimeout'
}

interface TransactionOptions {
  writer: Writer
  failed: (error: unknown) => unknown
  onEnd: () => void
}

function transaction(adapter: SqlDriverAdapter, { writer, failed, onEnd }: TransactionOptions): Transaction {
  let ended = false

  /** A statement that comes after the end, be it Prisma's timeout or SQLite's own rollback, must not run bare. */
  async function inside<T>(work: () => Promise<T>): Promise<T> {
    if (ended || !writer.client.inTransaction) {
      throw new DriverAdapterError({ kind: 'TransactionAlreadyClosed', cause: 'it was rolled back' })
    }
    try {
      return await work()
    } catch (error) {
      throw failed(error)
    }
  }

  async function end(isCommit: boolean): Promise<void> {
    if (ended) return
    ended = true
    try {
      if (isCommit) await commit(adapter, writer)
    } catch (error) {
      throw failed(error)
    } finally {
      // Whatever waits goes on in a later turn, so after the ROLLBACK.
      onEnd()
      writer.rollBack()
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

/** Through the adapter, which has the words of Prisma for what can be wrong. */
async function commit(adapter: SqlDriverAdapter, writer: Writer): Promise<void> {
  writer.check()
  const from = performance.now()
  await execute(adapter, 'COMMIT')
  writer.onCommitted?.(performance.now() - from)
  writer.check()
}

async function execute(queryable: SqlQueryable, sql: string): Promise<void> {
  await queryable.executeRaw({ sql, args: [], argTypes: [] })
}
