/** `npm run backup -- to DIR`: copies the database and all snapshots, also while the gateway runs. */
import { chmod, mkdir, readdir, rm, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import process from 'node:process'
import { loadConfig } from '../environment.ts'
import { databaseFile } from '../database/sqlite/database-file.ts'
import { openDatabase } from '../database/database.ts'
import { copyOnline } from '../database/sqlite/whole-database.ts'
import { discard, publishedIds } from '../providers/local/shelf.ts'
import { transferCopy } from '../providers/local/stored-copy.ts'
import { completedSnapshots } from '../services/restoration.ts'
import { BACKUP, runCommand, UNWATCHED, UsageError } from './command.ts'

const USAGE = `Usage: npm run backup -- to DIR

Copies the database and the copies of all COMPLETED snapshots to DIR, which must be empty or missing, also while the
gateway runs. Everything is read back and compared. The images of the disks are not part of it. Restore it with
npm run restore -- from DIR.`

/** A snapshot may be deleted after the database was copied and before its own copy was: then the database is copied again. */
const ATTEMPTS = 10

/** The part of its limit that the write-ahead log may reach beside the copying of the database. */
const MOST_OF_LOG = 1 / 2

await runCommand(USAGE, async () => {
  const [verb, directory, ...more] = process.argv.slice(2)
  if (verb !== 'to' || directory === undefined || more.length > 0) throw new UsageError()
  process.umask(0o077)
  const config = await loadConfig(process.env, console.error)
  const source = await databaseFile(config.databaseUrl)
  const target = resolve(process.env['INIT_CWD'] ?? '.', directory)
  await mkdir(target, { recursive: true, mode: 0o700 })
  if ((await readdir(target)).length > 0) throw new Error(`${target} is not empty. Name a new directory.`)
  await chmod(target, 0o700)
  const database = join(target, BACKUP.database)
  const shelf = join(target, BACKUP.snapshots)
  await mkdir(shelf, { mode: 0o700 })

  /** What is wrong with the copies that the database names and that are not here. */
  let damaged = new Map<string, string>()
  for (let attempt = 1; ; attempt++) {
    await rm(database, { force: true })
    await copyOnline(source, database, config.maxLogBytes * MOST_OF_LOG)
    const before = damaged
    damaged = await copyMissing()
    // What is damaged in two copies of the database in a row was not deleted between them.
    if ([...damaged.keys()].every((id) => before.has(id)) || attempt === ATTEMPTS) break
  }

  async function copyMissing(): Promise<Map<string, string>> {
    await using db = await openDatabase({ url: `file:${database}` })
    const [there, wanted] = [new Set(await publishedIds(shelf)), new Set<string>()]
    const faults = new Map<string, string>()
    for await (const copy of completedSnapshots(db)) {
      wanted.add(copy.snapshotId)
      if (there.has(copy.snapshotId)) continue
      const outcome = await transferCopy(copy, { from: config.snapshotsDir, to: shelf }, UNWATCHED)
      if (outcome.outcome === 'damaged') faults.set(copy.snapshotId, outcome.reason)
    }
    for (const id of there) if (!wanted.has(id)) await discard(shelf, id)
    return faults
  }

  const snapshots = await publishedIds(shelf)
  const description = { format: 1, createdAt: new Date().toISOString(), snapshots: snapshots.length }
  await writeFile(join(target, BACKUP.description), `${JSON.stringify(description, undefined, 2)}\n`)
  console.log(`Backed up the database and ${snapshots.length} snapshots to ${target}.`)
  for (const [id, reason] of damaged)
    console.error(`${id} has no sound copy, and none is in the backup: ${reason}`)
  if (damaged.size > 0) process.exitCode = 1
})
