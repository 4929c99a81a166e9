/** Counts on a database; as a process of its own, 50 times on the one whose url it is given. */
import process from 'node:process'
import { type Database, openDatabase } from '../../../src/database/database.ts'

/** Counts by one: exact only when nothing comes between the read and the write. */
export function increment(db: Database): Promise<unknown> {
  return db.write(function* (sql) {
    const counter = yield* sql.lock('TransitionLog', { id: 'log' })
    return yield* sql.update(
      'TransitionLog',
      { prunedThrough: (counter?.prunedThrough ?? 0) + 1 },
      { id: 'log' },
    )
  })
}

const [, program, url] = process.argv
if (program === import.meta.filename && url !== undefined) {
  await using db = await openDatabase({ url })
  await Promise.all(Array.from({ length: 50 }, () => increment(db)))
}
