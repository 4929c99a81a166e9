import { Prisma, type Disk } from '../generated/prisma/client.ts'
import type { Transaction } from '../database/database.ts'
import type { SqlTransaction } from '../database/group-commit.ts'
import type { DiskStatus } from '../domain/disk.ts'
import type { Refusal } from '../domain/refusal.ts'
import { DiskNotFound } from '../domain/refusals.ts'
import type { DiskObservation } from '../providers/provider.ts'
import { appendDiskTransitions } from '../transitions/append.ts'
import type { Viewer } from './viewer.ts'

/** What is to be written of a disk, its status among it. */
export type DiskChange = Partial<Omit<Disk, 'id' | 'accountId'>> & { status: DiskStatus }

/**
 * Changes a disk that still is as it was read, and appends the transition when its status becomes another. Returns
 * false, and changes nothing, when somebody else has changed its status meanwhile.
 */
export function changeDisk(
  tx: SqlTransaction,
  { id, accountId, status: from }: Pick<Disk, 'id' | 'accountId' | 'status'>,
  change: DiskChange,
  { reason = null, at }: { reason?: string | null; at: Date },
): boolean {
  const asRead = Prisma.sql`"id" = ${id} AND "accountId" = ${accountId} AND "status" = ${from}`
  const isChanged = tx.sql.update('Disk', change, asRead) > 0
  const { status: to } = change
  if (isChanged && to !== from) {
    appendDiskTransitions(tx, { accountId, diskId: id, from, to, reason, at })
  }
  return isChanged
}

/**
 * Takes hold of a disk, if no rule speaks against it, and puts it in a status that keeps others off it: the status guard,
 * the row lock and the one-at-a-time rule in one. Without a status, it only takes hold. Throws the first refusal.
 */
export async function claimDisk(
  tx: Transaction,
  { accountId }: Viewer,
  id: string,
  {
    refusals,
    status,
    at,
  }: { refusals: (disk: Disk) => Refusal[] | Promise<Refusal[]>; status?: DiskStatus; at: Date },
): Promise<void> {
  for (;;) {
    const disk = await tx.disk.findUnique({ where: { id, accountId } })
    if (!disk) throw new DiskNotFound(id)
    const [refusal] = await refusals(disk)
    if (refusal) throw refusal
    // Where transactions overlap, the status may have changed since it was read: then the rule is asked again.
    if (changeDisk(tx, disk, { status: status ?? disk.status }, { at })) return
  }
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
