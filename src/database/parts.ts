import type { Database } from './database.ts'
import type { Sql, Work } from './work.ts'

/** Does a part of some work in each transaction, until one returns that nothing is left or the signal is aborted. */
export async function inParts(
  db: Pick<Database, 'writeInBackground'>,
  part: (sql: Sql) => Work<boolean>,
  signal?: AbortSignal,
): Promise<void> {
  while (!signal?.aborted) {
    if (!(await db.writeInBackground(part))) return
  }
}
