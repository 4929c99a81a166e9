import SQLite from 'better-sqlite3'
import { Client } from 'pg'
import { pino } from 'pino'
import { migrate } from '../../src/database/postgresql/migrations.ts'
import { allRowsSql } from '../../src/database/postgresql/replica/changes.ts'
import { ReplicaFile } from '../../src/database/postgresql/replica/file.ts'
import { openReplica } from '../../src/database/postgresql/replica/replica.ts'

/** Connects to a database, with a client that outlives the server. */
export async function connect(url: string): Promise<Client & AsyncDisposable> {
  const client = new Client({ connectionString: url, options: '-c TimeZone=UTC' })
  client.on('error', () => undefined)
  await client.connect()
  return Object.assign(client, { [Symbol.asyncDispose]: () => client.end().catch(() => undefined) })
}

/** A database with its tables, and the replica of a gateway. */
export async function replicaOf(url: string, path: string) {
  await migrate(url)
  return openReplica({ url, path, log: pino({ level: 'silent' }) })
}

/** What differs between a database and a replica, row by row, in each table that is fed; and the counts that triggers keep. */
export async function differences(url: string, path: string): Promise<Record<string, unknown>> {
  await using client = await connect(url)
  const file = new SQLite(path, { readonly: true })
  const found: Record<string, unknown> = {}
  try {
    for (const table of ReplicaFile.tablesOf(file)) {
      const { rows: there } = await client.query<[string]>({ text: allRowsSql(table), rowMode: 'array' })
      const columns = table.columns.map(({ name }) => `"${name}"`).join()
      const here = file
        .prepare<[], string>(`SELECT json_array(${columns}) FROM "${table.name}"`)
        .pluck()
        .all()
      const [expected, actual] = [there.map(([row]) => plain(row)).sort(), here.map(plain).sort()]
      if (expected.join('\n') !== actual.join('\n'))
        found[table.name] = {
          missing: expected.filter((row) => !actual.includes(row)).slice(0, 3),
          foreign: actual.filter((row) => !expected.includes(row)).slice(0, 3),
        }
    }
    const counted = file.prepare(
      `SELECT "diskId", "type", "status", "evicted", "count" FROM "SnapshotCount" WHERE "diskId" <> '' ORDER BY 1, 2, 3, 4`,
    )
    const recounted = file.prepare(
      `SELECT "diskId", "type", "status", "evicted", count(*) AS "count" FROM "Snapshot" WHERE "diskId" IS NOT NULL
        GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4`,
    )
    if (JSON.stringify(counted.all()) !== JSON.stringify(recounted.all())) found.SnapshotCount = counted.all()
    const wrong = file.pragma('integrity_check(1)', { simple: true })
    if (wrong !== 'ok') found.integrity = wrong
  } finally {
    file.close()
  }
  return found
}

const plain = (row: string) => JSON.stringify(JSON.parse(row))
