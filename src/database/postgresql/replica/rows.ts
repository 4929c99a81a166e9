import type { Database as Connection, Statement } from 'better-sqlite3'
import type { FedColumns, TableChanges } from './changes.ts'

/** What a column can have in JSON, as SQLite stores it. */
type Value = string | number | null

/** The statements that put rows into a replica, prepared once for each text. Rows come as a JSON list of lists of values. */
export class Rows {
  readonly #connection: Connection
  readonly #statements = new Map<string, Statement>()

  constructor(connection: Connection) {
    this.#connection = connection
  }

  #run(text: string, ...values: string[]): void {
    this.#prepared(text).run(...values)
  }

  /** A row at a time: to take lists apart, SQLite would need three times as long. */
  #insert(text: string, rows: string): void {
    const statement = this.#prepared(text)
    for (const row of JSON.parse(rows) as Value[][]) statement.run(row)
  }

  #prepared(text: string): Statement {
    let statement = this.#statements.get(text)
    if (!statement) this.#statements.set(text, (statement = this.#connection.prepare(text)))
    return statement
  }

  /** Inserts rows of which there are none yet. */
  insert(table: FedColumns, rows: string, schema = 'main'): void {
    this.#connection.transaction(() => this.#insert(insertion(table, schema), rows))()
  }

  /** The same for where the logs were pruned to, when the logs are there. */
  insertPruned(table: FedColumns, rows: string): void {
    this.#run(pruned(table, AFTER_IT), rows)
  }

  /**
   * Applies changes: those of all tables, in the order of the tables. `isReplacing` removes each changed row before any other
   * comes, for rows that have swapped what only one of them may have.
   */
  apply(changes: readonly (TableChanges & { table: FedColumns })[], isReplacing: boolean): void {
    for (const { table, keys, rows } of changes) {
      if (table.isLog)
        this.#insert(`${insertion(table)} ON CONFLICT ("accountId", "sequence") DO NOTHING`, rows)
      else if (table.name === 'PrunedTransitions') this.#applyPruned(table, keys, rows)
      else if (table.key[0] !== 'id' || isReplacing) this.#replace(table, keys, rows)
      else this.#update(table, keys, rows)
    }
    // Only now: where a log was pruned to is the position that a row had which may be gone.
    for (const { table, keys, rows } of changes) if (table.isLog) this.#removeFromLog(table, keys, rows)
  }

  #replace(table: FedColumns, keys: string, rows: string): void {
    this.#run(
      `DELETE FROM "${table.name}" WHERE "${table.key[0]}" IN (SELECT "value" FROM json_each(?))`,
      keys,
    )
    this.#insert(insertion(table), rows)
  }

  /** Changes only the columns that differ in some row: what an index has of the others is not touched. */
  #update(table: FedColumns, keys: string, rows: string): void {
    const { name, columns } = table
    const incoming = `temp."incoming ${name}"`
    const declared = columns.map((column) => `"${column.name}" ${column.type}`)
    // Each time: a transaction that is undone takes it along.
    this.#run(`CREATE TABLE IF NOT EXISTS ${incoming} (${declared.join()}, PRIMARY KEY ("id"))`)
    this.#insert(insertInto(incoming, table), rows)
    this.#run(
      `DELETE FROM main."${name}" WHERE "id" IN (SELECT "value" FROM json_each(?)) AND "id" NOT IN (SELECT "id" FROM ${incoming})`,
      keys,
    )
    const differing = columns.map(
      (column, at) => `max(m."${column.name}" IS NOT i."${column.name}") AS "${at}"`,
    )
    const [isOther = {}] = this.#prepared(
      `SELECT ${differing.join()} FROM ${incoming} i JOIN main."${name}" m ON m."id" = i."id"`,
    ).all() as Record<string, number | null>[]
    const changed = columns.filter((_, at) => isOther[at] === 1)
    if (changed.length > 0) {
      const set = changed.map((column) => `"${column.name}" = i."${column.name}"`)
      this.#run(`UPDATE main."${name}" AS m SET ${set.join()} FROM ${incoming} i WHERE m."id" = i."id"`)
    }
    this.#run(
      `INSERT INTO main."${name}" (${names(table)}) SELECT ${names(table)} FROM ${incoming} i
        WHERE NOT EXISTS (SELECT 1 FROM main."${name}" m WHERE m."id" = i."id")`,
    )
    this.#run(`DELETE FROM ${incoming}`)
  }

  #removeFromLog({ name, columns }: FedColumns, keys: string, rows: string): void {
    const at = (column: string) => columns.findIndex((one) => one.name === column)
    this.#run(
      `DELETE FROM "${name}" WHERE ("accountId", "sequence") IN (
        SELECT substr("value", instr("value", ' ') + 1), CAST(substr("value", 1, instr("value", ' ') - 1) AS INTEGER) FROM json_each(?)
        EXCEPT SELECT "value" ->> ${at('accountId')}, "value" ->> ${at('sequence')} FROM json_each(?))`,
      keys,
      rows,
    )
  }

  /** Fails on the missing position where the log was pruned beyond what the replica has of it. */
  #applyPruned(table: FedColumns, keys: string, rows: string): void {
    this.#run(
      `DELETE FROM "PrunedTransitions" WHERE "accountId" IN (SELECT "value" FROM json_each(?))
        AND ("accountId", "subject") NOT IN (SELECT r."accountId", r."subject" FROM (${selected(table)}) r)`,
      keys,
      rows,
    )
    this.#run(`${pruned(table)} ${REPLACE_PRUNED}`, rows)
  }
}

/** Before the first transition that is left. */
export const AFTER_IT = `coalesce(CASE r."subject"
  WHEN 'SNAPSHOT' THEN (SELECT min(l."position") - 1 FROM main."SnapshotTransition" l WHERE l."accountId" = r."accountId" AND l."sequence" > r."sequence")
  ELSE (SELECT min(l."position") - 1 FROM main."DiskTransition" l WHERE l."accountId" = r."accountId" AND l."sequence" > r."sequence") END, 0)`

function pruned(table: FedColumns, otherwise?: string): string {
  return `INSERT INTO "PrunedTransitions" (${names(table)}, "position")
    SELECT ${names(table, 'r')}, ${positionOf(otherwise)} FROM (${selected(table)}) r WHERE TRUE`
}

/** Where the pruned transitions of a row `r` were: at the row that was the last of them, or where that is known to have been. */
export function positionOf(otherwise = 'NULL'): string {
  const row = (log: string) =>
    `SELECT l."position" FROM main."${log}" l WHERE l."accountId" = r."accountId" AND l."sequence" = r."sequence" AND l."tag" = r."tag"`
  return `coalesce(
    CASE r."subject" WHEN 'SNAPSHOT' THEN (${row('SnapshotTransition')}) ELSE (${row('DiskTransition')}) END,
    (SELECT p."position" FROM main."PrunedTransitions" p WHERE p."accountId" = r."accountId" AND p."subject" = r."subject"
      AND p."sequence" = r."sequence" AND p."tag" = r."tag"),
    ${otherwise})`
}

export const REPLACE_PRUNED = `ON CONFLICT ("accountId", "subject") DO UPDATE
  SET "sequence" = excluded."sequence", "tag" = excluded."tag", "position" = excluded."position"`

/** The columns of a table, in a list. */
export function names({ columns }: FedColumns, alias?: string): string {
  return columns.map(({ name }) => (alias === undefined ? `"${name}"` : `${alias}."${name}"`)).join()
}

function insertion(table: FedColumns, schema = 'main'): string {
  return insertInto(`${schema}."${table.name}"`, table)
}

function insertInto(name: string, table: FedColumns): string {
  return `INSERT INTO ${name} (${names(table)}) VALUES (${table.columns.map(() => '?').join()})`
}

/** The rows of a JSON list, with the names of their columns. */
function selected({ columns }: FedColumns): string {
  return `SELECT ${columns.map(({ name }, at) => `"value" ->> ${at} AS "${name}"`).join()} FROM json_each(?)`
}
