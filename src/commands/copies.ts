/** `npm run copies -- list|remove`: copies of snapshots that the database does not know. */
import process from 'node:process'
import { loadConfig } from '../environment.ts'
import { openForCommand } from '../database/start.ts'
import { discard, publishedIds } from '../providers/local/shelf.ts'
import { runCommand, UsageError } from './command.ts'

const USAGE = `Usage:
  npm run copies -- list
  npm run copies -- remove <id>… | --all

After a restore there may be copies of snapshots that the restored database does not know. list prints their ids, remove
deletes them permanently: those named, or all. Copies of snapshots that the database knows are never removed.`

await runCommand(USAGE, async () => {
  const [verb, ...ids] = process.argv.slice(2)
  if (verb !== 'list' && verb !== 'remove') throw new UsageError()
  if ((verb === 'list') !== (ids.length === 0)) throw new UsageError()
  const config = await loadConfig(process.env, console.error)
  await using db = await openForCommand(config)

  async function unknown(): Promise<string[]> {
    // First the copies: one that is published meanwhile has its row before.
    const there = await publishedIds(config.snapshotsDir)
    const known = new Set((await db.snapshot.findMany({ select: { id: true } })).map(({ id }) => id))
    return there.filter((id) => !known.has(id))
  }

  const found = await unknown()
  if (verb === 'list') {
    for (const id of found) console.log(id)
    return
  }
  const chosen = ids.includes('--all') ? found : ids
  const [wrong] = chosen.filter((id) => !found.includes(id))
  if (wrong !== undefined)
    throw new Error(`${wrong} is no copy without a snapshot. List them with npm run copies -- list.`)
  for (const id of chosen) await discard(config.snapshotsDir, id)
  console.log(`Removed ${chosen.length} copies.`)
})
