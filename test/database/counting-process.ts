/** Counts on a database; as a process of its own, 50 times on the one whose url it is given. */
import process from 'node:process'
import { type Database, inTransaction, openDatabase } from '../../src/database/database.ts'

/** The unguarded way to count: exact only when nothing comes between the read and the write. */
export function increment(db: Database): Promise<unknown> {
  return inTransaction(db, async (tx) => {
    const { prunedThrough } = await tx.transitionLog.findUniqueOrThrow({ where: { id: 'log' } })
    await tx.transitionLog.update({ where: { id: 'log' }, data: { prunedThrough: prunedThrough + 1 } })
  })
}

const [, program, url] = process.argv
if (program === import.meta.filename && url !== undefined) {
  await using db = await openDatabase({ url })
  await Promise.all(Array.from({ length: 50 }, () => increment(db)))
}
