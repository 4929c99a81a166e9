/** `npm run restore -- from DIR`: puts a backup in the place of the database, while no gateway runs. */
import { existsSync } from 'node:fs'
import { mkdir, readFile, rm } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import process from 'node:process'
import { loadConfig } from '../environment.ts'
import { databasePath } from '../database/sqlite/database-file.ts'
import { openDatabase } from '../database/database.ts'
import { migrate } from '../database/migrations.ts'
import {
  checkIntegrity,
  copyOnline,
  refuseIfOpen,
  replaceDatabase,
} from '../database/sqlite/whole-database.ts'
import { publishedIds } from '../providers/local/shelf.ts'
import { transferCopy } from '../providers/local/stored-copy.ts'
import { completedSnapshots, endInterrupted, markMissing } from '../services/restoration.ts'
import { BACKUP, runCommand, UNWATCHED, UsageError } from './command.ts'

const USAGE = `Usage: npm run restore -- from DIR

Puts the database of a backup, made by npm run backup -- to DIR, in the place of the present one, and adds the copies of
snapshots that are missing here. No gateway may run. The present database is kept beside the restored one. Snapshots whose
copy is nowhere become UNAVAILABLE. Copies that the restored database does not know stay: npm run copies -- list.`

await runCommand(USAGE, async () => {
  const [verb, directory, ...more] = process.argv.slice(2)
  if (verb !== 'from' || directory === undefined || more.length > 0) throw new UsageError()
  process.umask(0o077)
  const config = await loadConfig(process.env, console.error)
  const path = await databasePath(config.databaseUrl)
  const source = resolve(process.env['INIT_CWD'] ?? '.', directory)
  const [backup, shelf] = [join(source, BACKUP.database), join(source, BACKUP.snapshots)]
  await readFile(join(source, BACKUP.description)).catch(() => {
    throw new Error(`${source} is no complete backup: it has no ${BACKUP.description}.`)
  })
  checkIntegrity(backup)
  refuseIfOpen(path)

  const at = new Date()
  const prepared = join(dirname(path), '.restoring.db')
  for (const suffix of ['', '-wal', '-shm', '-journal']) await rm(`${prepared}${suffix}`, { force: true })
  await copyOnline(backup, prepared)
  await migrate(`file:${prepared}`)
  await mkdir(config.snapshotsDir, { recursive: true })
  let [added, missing, ended] = [0, 0, 0]
  {
    await using db = await openDatabase({ url: `file:${prepared}` })
    ended = await endInterrupted(db, at)
    const there = new Set(await publishedIds(config.snapshotsDir))
    for await (const copy of completedSnapshots(db)) {
      if (there.has(copy.snapshotId)) continue
      const outcome = await transferCopy(copy, { from: shelf, to: config.snapshotsDir }, UNWATCHED)
      if (outcome.outcome === 'done') added++
      else {
        missing++
        await markMissing(db, copy.snapshotId, at)
        console.error(`${copy.snapshotId} is UNAVAILABLE: ${outcome.reason}`)
      }
    }
  }
  const kept = `${path}.before-${at.toISOString().replaceAll(':', '-')}`
  const wasThere = existsSync(path)
  await replaceDatabase(path, prepared, kept)
  console.log(
    `Restored the database of ${source}: ${added} copies were added, ${missing} snapshots are UNAVAILABLE, ` +
      `${ended} operations in progress were ended.` +
      (wasThere ? ` The database that was here is kept as ${kept}.` : ''),
  )
})
