import { PrismaClient } from '../generated/prisma/client.ts'
import { databaseFile, unusable } from './database-file.ts'
import { DatabaseHealth } from './health.ts'
import { GroupCommit } from './group-commit.ts'
import { OpenFiles } from './open-files.ts'
import { Reader } from './reader.ts'
import { sqliteAdapter } from './sqlite-adapter.ts'
import type { Writer } from './writer.ts'

/** The client of all tables. It is closed by `await using`, or by `[Symbol.asyncDispose]()`. */
export type Database = PrismaClient &
  AsyncDisposable & {
    /** The hot reads, past Prisma. */
    reader: Reader
    /** Does work in a transaction; resolves with its result when that is committed. See `GroupCommit`. */
    write: GroupCommit['write']
    /** Whether it can be read and written. */
    health: DatabaseHealth
    /** The connection that writes. */
    writer: Writer
    /** The path of its file, and what is known of it and those beside it. */
    path: string
    files: OpenFiles
  }

export interface DatabaseOptions {
  /** `file:` and the path of the database file; a relative path starts at the working directory. */
  url: string
  /** How long a statement waits for another process that is writing, in milliseconds; 20,000 unless set. */
  busyTimeoutMs?: number
  /** Whether commits are noticed by reading the index of the write-ahead log, where that works, or by asking SQLite. */
  readsIndex?: boolean
  /** Called with the SQL of every statement. */
  onStatement?: ((sql: string) => void) | undefined
}

/** Opens the database file, or throws an Error that says why it cannot be used; makes missing folders on the way. */
export async function openDatabase({
  url,
  busyTimeoutMs = 20_000,
  readsIndex = true,
  onStatement,
}: DatabaseOptions): Promise<Database> {
  const path = await databaseFile(url)
  const health = new DatabaseHealth()
  const groupCommit = new GroupCommit(onStatement)
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
  health.watch(files)
  health.listen({ began: () => files.isLogGone() && setImmediate(() => void bringIn(writer)) })
  return Object.assign(client, {
    reader,
    write: groupCommit.write.bind(groupCommit),
    health,
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
