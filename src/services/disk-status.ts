import type { Disk } from '../generated/prisma/client.ts'
import type { Sql, Work } from '../database/work.ts'
import type { DiskStatus } from '../domain/disk.ts'
import type { DiskObservation } from '../providers/provider.ts'
import { appendDiskTransitions } from '../transitions/append.ts'

/** What is to be written of a disk, its status among it. */
export type DiskChange = Partial<Omit<Disk, 'id' | 'accountId'>> & { status: DiskStatus }

/**
 * Changes a disk that still is as it was read, and appends the transition when its status becomes another. Returns
 * false, and changes nothing, when somebody else has changed its status meanwhile.
 */
export function* changeDisk(
  sql: Sql,
  { id, accountId, status: from }: Pick<Disk, 'id' | 'accountId' | 'status'>,
  change: DiskChange,
  { reason = null, at }: { reason?: string | null; at: Date },
): Work<boolean> {
  const isChanged = (yield* sql.update('Disk', change, { id, accountId, status: from })) > 0
  const { status: to } = change
  if (isChanged && to !== from) {
    yield* appendDiskTransitions(sql, { accountId, diskId: id, from, to, reason, at })
  }
  return isChanged
}

/** What an observation says, as columns; the size stays as it was while it cannot be known. */
export function observed(observation: DiskObservation | undefined): DiskChange {
  if (!observation) return { status: 'UNKNOWN' }
  const { status, statusReason, sizeBytes } = observation
  return { status, statusReason, ...(sizeBytes !== null && { sizeBytes }) }
}

/** What tells the image from others, as a column: to be written when no other disk has it. */
export function newIdentity(observation: DiskObservation | undefined): Pick<Disk, 'identity'> | undefined {
  return observation && observation.identity !== null ? { identity: observation.identity } : undefined
}
