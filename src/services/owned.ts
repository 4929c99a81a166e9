import type { Row } from '../database/rows.ts'
import type { Sql, Work } from '../database/work.ts'
import {
  ApiTokenNotFound,
  ConnectionNotFound,
  DiskNotFound,
  PolicyNotFound,
  SnapshotNotFound,
} from '../domain/refusals.ts'
import type { Refusal } from '../domain/refusal.ts'
import type { Viewer } from './viewer.ts'

/** What an account has, and the refusal when it does not have it. */
const NOT_FOUND = {
  ApiToken: (id: string): Refusal => new ApiTokenNotFound(id),
  AutoSnapshotPolicy: (id: string): Refusal => new PolicyNotFound(id),
  Connection: (id: string): Refusal => new ConnectionNotFound(id),
  Disk: (id: string): Refusal => new DiskNotFound(id),
  Snapshot: (id: string): Refusal => new SnapshotNotFound(id),
}

type Owned = keyof typeof NOT_FOUND

/**
 * Locks those of these disks that the account has, in the order of their ids: so transactions that want several of the same
 * disks wait for each other, and never in a circle.
 */
export function* lockDisks(
  sql: Sql,
  { accountId }: Pick<Viewer, 'accountId'>,
  ids: readonly string[],
): Work<void> {
  yield* sql.lockAll('Disk', { id: { in: ids }, accountId }, { orderBy: { id: 'asc' } })
}

/**
 * A row of the viewer's account, locked until the transaction ends; throws the refusal when the account has none with
 * this id. The only way to a row that a client names, so that what belongs to others does not exist for it.
 */
export function* lockOwned<T extends Owned>(
  sql: Sql,
  table: T,
  { accountId }: Pick<Viewer, 'accountId'>,
  id: string,
): Work<Row<T>> {
  const row = yield* sql.lock<Owned>(table, { id, accountId })
  if (!row) throw NOT_FOUND[table](id)
  return row
}
