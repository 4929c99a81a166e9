import type { Sql, Work } from '../database/work.ts'
import type { Tag } from './client-tokens.ts'

export function* insertDiskTags(sql: Sql, diskId: string, tags: readonly Tag[]): Work<void> {
  yield* sql.insertAll(
    'DiskTag',
    tags.map(({ key, value }) => ({ diskId, key, value })),
  )
}

export function* insertSnapshotTags(sql: Sql, snapshotId: string, tags: readonly Tag[]): Work<void> {
  yield* sql.insertAll(
    'SnapshotTag',
    tags.map(({ key, value }) => ({ snapshotId, key, value })),
  )
}
