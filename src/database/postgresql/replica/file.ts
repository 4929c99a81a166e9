import { createHash } from 'node:crypto'
import { closeSync, existsSync, openSync, renameSync, rmSync } from 'node:fs'
import SQLite, { type Database as Connection, type Statement } from 'better-sqlite3'
import { readMigrations } from '../../migration-history.ts'
import { MIGRATIONS_FOLDER } from '../../sqlite/migrations.ts'
import { BOOT } from '../../sqlite/world.ts'
import type { FedColumns, TableChanges } from './changes.ts'
import { besideOf, mergeBeside } from './merge.ts'
import { Rows } from './rows.ts'
import { FED } from './tables.ts'

/** The commit of PostgreSQL that a replica is at. */
export interface At {
  version: number
  id: string
}

/** Gives the rows of a table, in parts, each a JSON list of rows. */
export type ReadTable = (table: FedColumns) => AsyncIterable<string>

/** What a file has to have been made of to be kept: the text of all migrations, and the rules of this folder. */
const FORMAT = 1

/** What it may keep in memory while the whole database is copied, in KiB. */
const COPY_CACHE_KIB = 128 * 1024

/**
 * The file of a replica, made by the migrations of SQLite. Nothing in it is only there, so it is never flushed: after a power
 * cut it is made anew.
 */
export class ReplicaFile implements Disposable {
  readonly #connection: Connection
  readonly tables: readonly FedColumns[]
  readonly #rows: Rows
  readonly #setAt: Statement<[number, string]>
  #at: At

  private constructor(connection: Connection, at: At) {
    this.#connection = connection
    this.#at = at
    this.tables = ReplicaFile.tablesOf(connection)
    this.#rows = new Rows(connection)
    for (const pragma of [
      'journal_mode = WAL',
      'synchronous = OFF',
      'foreign_keys = OFF',
      'temp_store = MEMORY',
    ])
      connection.pragma(pragma)
    this.#setAt = connection.prepare('UPDATE "_replica" SET "version" = ?, "commitId" = ?')
    connection.prepare('UPDATE "_replica" SET "boot" = ?').run(BOOT)
  }

  /** The one that an earlier process has left; undefined where there is none that is whole and of this version. */
  static kept(path: string): ReplicaFile | undefined {
    if (!existsSync(path)) return undefined
    const connection = new SQLite(path)
    try {
      const state = connection
        .prepare<[], At & { format: string; boot: string | null }>(
          'SELECT "version", "commitId" AS "id", "format", "boot" FROM "_replica"',
        )
        .get()
      if (state?.format === formatOf() && (state.boot === null || (BOOT !== '' && state.boot === BOOT)))
        return new ReplicaFile(connection, { version: state.version, id: state.id })
    } catch {
      // It is no database, or none of ours.
    }
    connection.close()
    return undefined
  }

  /** Makes a new one at a path, in place of what is there, from all rows that there are at a commit. */
  static async made(path: string, at: At, read: ReadTable): Promise<ReplicaFile> {
    const made = `${path}.new`
    makePrivate(made)
    const connection = new SQLite(made)
    try {
      // Until it is in its place, a file that is not whole is worth nothing.
      connection.pragma('journal_mode = OFF')
      connection.pragma('synchronous = OFF')
      connection.pragma(`cache_size = -${COPY_CACHE_KIB}`)
      for (const migration of readMigrations(MIGRATIONS_FOLDER)) connection.exec(migration.sql)
      connection.pragma('foreign_keys = OFF')
      await fill(connection, read)
      connection.exec(
        'CREATE TABLE "_replica" ("version" INTEGER NOT NULL, "commitId" TEXT NOT NULL, "format" TEXT NOT NULL, "boot" TEXT)',
      )
      connection
        .prepare('INSERT INTO "_replica" VALUES (?, ?, ?, ?)')
        .run(at.version, at.id, formatOf(), BOOT)
    } catch (error) {
      connection.close()
      remove(made)
      throw error
    }
    connection.close()
    remove(path)
    renameSync(made, path)
    return new ReplicaFile(new SQLite(path), at)
  }

  /** The tables that are fed, with the columns that a file has of them. */
  static tablesOf(connection: Connection): FedColumns[] {
    return FED.map((table) => {
      const all = connection.pragma(`table_info("${table.name}")`) as {
        name: string
        type: string
        pk: number
      }[]
      const columns = all.filter(({ name }) => !table.without.includes(name))
      const primaryKey = columns.filter(({ pk }) => pk > 0).map(({ name }) => name)
      return { ...table, columns, primaryKey: table.isLog ? ['accountId', 'sequence'] : primaryKey }
    })
  }

  get at(): At {
    return this.#at
  }

  /** Applies what was changed by the commits since, up to another one. Throws where only a merge can. */
  apply(changes: readonly TableChanges[], at: At): void {
    const byName = new Map(changes.map((change) => [change.name, change]))
    const ordered = this.tables.flatMap((table) => {
      const change = byName.get(table.name)
      return change ? [{ ...change, table }] : []
    })
    try {
      this.#transaction(at, () => this.#rows.apply(ordered, false))
    } catch (error) {
      if (!isConstraint(error)) throw error
      this.#transaction(at, () => this.#rows.apply(ordered, true))
    }
  }

  /** Makes it what the database is at a commit, whatever it was. Rows that are the same are not written. */
  async merge(at: At, read: ReadTable): Promise<void> {
    const beside = `${this.#connection.name}.beside`
    makePrivate(beside)
    this.#connection.prepare('ATTACH ? AS "beside"').run(beside)
    try {
      this.#connection.exec(
        `PRAGMA beside.journal_mode = OFF; PRAGMA beside.synchronous = OFF; PRAGMA beside.cache_size = -${COPY_CACHE_KIB}`,
      )
      const rows = new Rows(this.#connection)
      for (const table of this.tables) {
        this.#connection.exec(besideOf(table))
        for await (const part of read(table)) rows.insert(table, part, 'beside')
      }
      this.#transaction(at, () => mergeBeside(this.#connection, this.tables))
    } finally {
      this.#connection.exec('DETACH "beside"')
      remove(beside)
    }
  }

  #transaction(at: At, work: () => void): void {
    const all = this.#connection.transaction(() => {
      work()
      this.#setAt.run(at.version, at.id)
    })
    all.immediate()
    this.#at = at
  }

  /** Flushes it: only then does it outlive a power cut. */
  [Symbol.dispose](): void {
    this.#connection.pragma('synchronous = FULL')
    this.#connection.pragma('wal_checkpoint(PASSIVE)')
    this.#connection.exec('UPDATE "_replica" SET "boot" = NULL')
    this.#connection.close()
  }
}

/** Copies all rows into a database that has none; indexes and counts come when the rows are there. */
async function fill(connection: Connection, read: ReadTable): Promise<void> {
  const later = connection
    .prepare<[], { type: string; name: string; sql: string }>(
      `SELECT "type", "name", "sql" FROM sqlite_master WHERE "type" IN ('index', 'trigger') AND "sql" IS NOT NULL`,
    )
    .all()
  for (const { type, name } of later) connection.exec(`DROP ${type} "${name}"`)
  const rows = new Rows(connection)
  for (const table of ReplicaFile.tablesOf(connection)) {
    if (table.name === 'PrunedTransitions') {
      // Where they were pruned to is told by the rows that are left, which an index finds.
      for (const index of later) connection.exec(index.sql)
      for await (const part of read(table)) rows.insertPruned(table, part)
    } else for await (const part of read(table)) rows.insert(table, part)
  }
  connection.exec(COUNT_SNAPSHOTS)
}

/** What the triggers of "Snapshot" keep counted, counted at once for rows that were written without them. */
export const COUNT_SNAPSHOTS = `
  INSERT INTO "SnapshotCount" SELECT "accountId", '', "type", "status", "evicted", count(*), coalesce(sum("dataBytes"), 0) FROM "Snapshot" GROUP BY 1, 3, 4, 5;
  INSERT INTO "SnapshotCount" SELECT "accountId", "diskId", "type", "status", "evicted", count(*), coalesce(sum("dataBytes"), 0) FROM "Snapshot"
    WHERE "diskId" IS NOT NULL GROUP BY 1, 2, 3, 4, 5;`

function formatOf(): string {
  return createHash('sha256')
    .update(JSON.stringify([FORMAT, FED, readMigrations(MIGRATIONS_FOLDER)]))
    .digest('hex')
}

/** Makes an empty file in place of what is there; SQLite makes its other files with the mode of this one. */
function makePrivate(path: string): void {
  remove(path)
  closeSync(openSync(path, 'wx', 0o600))
}

export function isConstraint(error: unknown): boolean {
  return error instanceof SQLite.SqliteError && error.code.startsWith('SQLITE_CONSTRAINT')
}

function remove(path: string): void {
  for (const suffix of ['', '-wal', '-shm', '-journal']) rmSync(`${path}${suffix}`, { force: true })
}
