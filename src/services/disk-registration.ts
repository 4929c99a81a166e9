import type { Disk } from '../generated/prisma/client.ts'
import type { Database } from '../database/database.ts'
import type { NewRow } from '../database/rows.ts'
import type { Sql, Work } from '../database/work.ts'
import type { DiskKind } from '../domain/disk.ts'
import type { DiskPathProblem } from '../domain/disk-path.ts'
import { DiskAlreadyRegistered, DiskPathRefused } from '../domain/refusals.ts'
import type { DiskProvider } from '../providers/provider.ts'
import { appendDiskTransitions } from '../transitions/append.ts'
import { recordChange } from './activity.ts'
import { checkName } from './refuse.ts'
import type { Clock, NewId } from './clock.ts'
import type { DiskLooks } from './disk-looks.ts'
import { lockOwned } from './owned.ts'
import type { Viewer } from './viewer.ts'

export interface RegisterDisk {
  path: string
  name: string
  description: string
  kind: DiskKind
  storageType: string
  zone: string
  /** The instance the disk is attached to, and as which device; null when it is not attached. */
  attachment: { instanceId: string; device: string | null } | null
}

export interface RegistrationParts {
  db: Database
  provider: Pick<DiskProvider, 'name' | 'host'>
  looks: Pick<DiskLooks, 'see' | 'isOneOf'>
  /** The location of what is at a path, if an account may register a disk from there. */
  locate: (
    path: string,
    accountId: string,
  ) => Promise<{ ok: true; location: string; sizeBytes: bigint } | { ok: false; code: DiskPathProblem }>
  /** Called after a commit that appended transitions. */
  announce: () => void
  now: Clock
  newId: NewId
}

/** Registers an image file or block device as a disk; refused when the path, the name or the disk is not fit for it. */
export async function registerDisk(
  { db, provider, looks, locate, announce, now, newId }: RegistrationParts,
  viewer: Pick<Viewer, 'accountId'>,
  input: RegisterDisk,
): Promise<Disk> {
  checkName(input.name)
  const found = await locate(input.path, viewer.accountId)
  if (!found.ok) throw new DiskPathRefused(found.code)
  const id = newId('Disk')
  const instanceId = input.attachment?.instanceId ?? null
  const reference = {
    id,
    accountId: viewer.accountId,
    kind: input.kind,
    location: found.location,
    instanceId,
  }
  const observation = await looks.see(reference)
  const identity = observation?.identity ?? null
  const disk = {
    ...reference,
    identity,
    provider: provider.name,
    host: provider.host,
    name: input.name,
    description: input.description,
    status: observation?.status ?? ('UNKNOWN' as const),
    statusReason: observation?.statusReason ?? null,
    sizeBytes: found.sizeBytes,
    storageType: input.storageType,
    zone: input.zone,
    device: input.attachment?.device ?? null,
    createdAt: now(),
  }
  const looked = new Set<string>()
  for (;;) {
    const outcome = await db.write((sql) => insertUnlessSame(sql, newId, disk, looked))
    if ('registered' in outcome) {
      announce()
      return outcome.registered
    }
    if (identity !== null && (await looks.isOneOf(outcome.unseen, identity)))
      throw new DiskAlreadyRegistered()
    for (const { id: seen } of outcome.unseen) looked.add(seen)
  }
}

/**
 * Inserts a disk whose image is no other disk's; throws the refusal when its location is. Returns instead the disks that may be
 * the same image and have not been looked at: registered meanwhile, or not looked at since identities are recorded.
 */
function* insertUnlessSame(
  sql: Sql,
  newId: NewId,
  disk: NewRow<'Disk'> & Pick<Disk, 'identity' | 'status' | 'statusReason'>,
  looked: ReadonlySet<string>,
): Work<{ registered: Disk } | { unseen: Disk[] }> {
  const { id, accountId, provider, host, identity, status, statusReason, createdAt } = disk
  if (identity !== null) {
    const same: Disk[] = []
    for (const either of [identity, null])
      same.push(...(yield* sql.all('Disk', { provider, host, identity: either, provisioned: true })))
    const unseen = same.filter((other) => !looked.has(other.id))
    if (unseen.length > 0) return { unseen }
  }
  if (!(yield* sql.insertNew('Disk', disk))) throw new DiskAlreadyRegistered()
  const step = { from: null, to: status, reason: statusReason, at: createdAt }
  yield* appendDiskTransitions(sql, { accountId, diskId: id, ...step })
  const change = { accountId, action: 'REGISTER_DISK' as const, at: createdAt, diskId: id }
  yield* recordChange(sql, newId, { ...change, subjectId: id, subjectName: disk.name })
  return { registered: yield* lockOwned(sql, 'Disk', disk, id) }
}
