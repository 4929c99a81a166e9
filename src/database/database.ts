import { PrismaClient } from '../generated/prisma/client.ts'
import { databaseFile, unusable } from './sqlite/database-file.ts'
import { DatabaseHealth } from './health.ts'
import { GroupCommit } from './sqlite/group-commit.ts'
import { LogBound } from './sqlite/log-bound.ts'
import type { DatabaseObserver } from './observer.ts'
import { OpenFiles } from './sqlite/open-files.ts'
import { Reader } from './sqlite/reader.ts'
import { sqliteAdapter } from './sqlite/adapter.ts'
import type { Writer } from './sqlite/writer.ts'

/** The client of all tables. It is closed by `await using`, or by `[Symbol.asyncDispose]()`. */
export type Database = PrismaClient &
  AsyncDisposable & {
    /** The hot reads, past Prisma. */
    reader: Reader
    /** Does work in a transaction; resolves with its result when that is committed, and `reader` finds it. */
    write: GroupCommit['write']
    writeInBackground: GroupCommit['writeInBackground']
    /** Does work that one gateway of the database does at a time; another one waits for it. A file has one gateway. */
    alone: (lock: 'demo', work: () => Promise<void>) => Promise<void>
    /** Whether it can be read and written. */
    health: DatabaseHealth
    /** How far the clock of its server is ahead of this machine's, in milliseconds; 0 for a file. */
    clockOffsetMs: () => number
    /** How large the write-ahead log may become; undefined where that of a replica is, which has no bound. */
    logBound: LogBound | undefined
    /** The path of the file of SQLite that `reader` reads: the database, or a replica of it. */
    path: string
  }

/** A database that is a file. */
export type FileDatabase = Database & {
  /** The connection that writes. */
  writer: Writer
  /** What is known of its file and of those beside it. */
  files: OpenFiles
  logBound: LogBound
}

export interface DatabaseOptions {
  /** `file:` and the path of the database file; a relative path starts at the working directory. */
  url: string
  /** How long a statement waits for another process that is writing, in milliseconds; 20,000 unless set. */
  busyTimeoutMs?: number
  /** How large the write-ahead log may become, in bytes; without a bound unless set. */
  maxLogBytes?: number
  /** Whether commits are noticed by reading the index of the write-ahead log, where that works, or by asking SQLite. */
  readsIndex?: boolean
  /** Is told what transactions do. */
  observer?: DatabaseObserver | undefined
  /** Called with the SQL of every statement. */
  onStatement?: ((sql: string) => void) | undefined
}

/** Opens the database file, or throws an Error that says why it cannot be used; makes missing folders on the way. */
export async function openDatabase({
  url,
  busyTimeoutMs = 20_000,
  maxLogBytes = Infinity,
  readsIndex = true,
  observer,
  onStatement,
}: DatabaseOptions): Promise<FileDatabase> {
  const path = await databaseFile(url)
  const health = new DatabaseHealth()
  const groupCommit = new GroupCommit(observer, onStatement)
  const client = new PrismaClient({
    adapter: sqliteAdapter({ path, busyTimeoutMs, health, groupCommit }),
    // Transactions run one at a time, so a burst of valid calls has to be allowed its time in the queue.
    transactionOptions: { maxWait: 60_000, timeout: 30_000 },
    log: onStatement ? [{ emit: 'event', level: 'query' }] : [],
  })
  if (onStatement) client.$on('query', ({ query }) => onStatement(query))
  try {
    await client.$connect()
  } catch (error) {
    throw unusable(path, error)
  }
  const reader = new Reader(path, { health, readsIndex, onStatement })
  const files = new OpenFiles(path, reader.index)
  const { writer } = groupCommit
  const logBound = new LogBound(files, maxLogBytes)
  writer.logBound = logBound
  health.watch(files)
  health.listen({ began: () => files.isLogGone() && setImmediate(() => void bringIn(writer)) })
  return Object.assign(client, {
    reader,
    write: groupCommit.write.bind(groupCommit),
    writeInBackground: groupCommit.writeInBackground.bind(groupCommit),
    alone: (_lock: 'demo', work: () => Promise<void>) => work(),
    health,
    clockOffsetMs: () => 0,
    logBound,
    writer,
    path,
    files,
    async [Symbol.asyncDispose]() {
      // SQLite brings its log into the database file when it closes it, and deletes it: not where these are not its own.
      if (health.isLost) return
      reader[Symbol.dispose]()
      await client.$disconnect()
      // Last: closing it drops the locks of every connection of this process.
      reader.index?.[Symbol.dispose]()
    },
  })
}

/** Copies what is only in the log into the database file; what was acknowledged is then safe without the log. */
async function bringIn(writer: Writer): Promise<void> {
  const release = await writer.acquire()
  try {
    writer.client.pragma('wal_checkpoint(PASSIVE)')
  } finally {
    release()
  }
}
