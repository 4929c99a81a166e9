import DataLoader from 'dataloader'
import { Prisma, type Disk } from '../generated/prisma/client.ts'
import type { Database } from '../database/database.ts'
import type { NewRow } from '../database/rows.ts'
import type { Sql, Work } from '../database/work.ts'
import { OBSERVED_DISK_STATUSES, type DiskKind } from '../domain/disk.ts'
import type { DiskPathProblem } from '../domain/disk-path.ts'
import { DiskAlreadyRegistered, DiskPathRefused } from '../domain/refusals.ts'
import type { DiskObservation, DiskProvider, DiskReference } from '../providers/provider.ts'
import { appendDiskTransitions } from '../transitions/append.ts'
import { checkName } from './refuse.ts'
import type { Clock, NewId } from './clock.ts'
import { changeDisk, newIdentity, observed } from './disk-status.ts'
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

export type DiskService = ReturnType<typeof createDiskService>

const SAME_IMAGE = 'The image is that of another disk, under another name.'

/** How many disks are looked at together. */
const LOOK_BATCH = 250

/** Disks that changed, or that a call asked about, within this time are looked at more often than the others. */
const LATELY_MS = 600_000
/** At most this many of them, so that this costs the same however many disks there are. */
const LATELY_MAX = 100

export function createDiskService({
  db,
  provider,
  locate,
  announce,
  now,
  newId,
}: {
  db: Database
  provider: DiskProvider
  /** The location of what is at a path, if an account may register a disk from there. */
  locate: (
    path: string,
    accountId: string,
  ) => Promise<{ ok: true; location: string; sizeBytes: bigint } | { ok: false; code: DiskPathProblem }>
  /** Called after a commit that appended transitions. */
  announce: () => void
  now: Clock
  newId: NewId
}) {
  /** When disks changed or were asked about, the longest ago first. */
  const lately = new Map<string, number>()

  function remember(id: string): void {
    lately.delete(id)
    lately.set(id, now().getTime())
    const [oldest] = lately.keys()
    if (lately.size > LATELY_MAX && oldest !== undefined) lately.delete(oldest)
  }

  /** Whether another disk is what this identity stands for now. */
  async function isOfAnother(identity: string, id: string): Promise<boolean> {
    return isOneOf(
      db.reader.all<Disk>(
        Prisma.sql`SELECT * FROM "Disk" WHERE "provider" = ${provider.name} AND "id" != ${id} AND "provisioned"
          AND "identity" = ${identity}`,
      ),
      identity,
    )
  }

  async function isOneOf(recorded: readonly Disk[], identity: string): Promise<boolean> {
    if (recorded.length === 0) return false
    // What is recorded may be of another file by now, or of another device since a restart of the machine.
    const seen = await provider.observe(recorded)
    return recorded.some((disk) => {
      const observation = seen.get(disk.id)
      return observation && !(observation instanceof Error) && observation.identity === identity
    })
  }

  /** What is seen of a disk, of which some in the same look have taken their identity already; undefined when it is as recorded. */
  async function changeOf(disk: Disk, seen: DiskObservation, taken: Set<string>) {
    if (agrees(disk, seen)) return undefined
    const { identity } = seen
    if (identity === null || identity === disk.identity) return seen
    // An image belongs to the disk that had it first.
    if (taken.has(identity) || (await isOfAnother(identity, disk.id))) {
      const same = { status: 'ERROR' as const, statusReason: SAME_IMAGE, sizeBytes: null, identity: null }
      return agrees(disk, same) ? undefined : same
    }
    taken.add(identity)
    return seen
  }

  /**
   * Asks the provider about these disks, and records what has changed about those whose status follows from it. Returns the
   * faults of those that could not be looked at, by their ids: one such disk holds up no other.
   */
  async function look(disks: readonly Disk[]): Promise<Map<string, Error>> {
    const faults = new Map<string, Error>()
    if (disks.length === 0) return faults
    const seen = await provider.observe(disks)
    const changed: { disk: Disk; observation: DiskObservation }[] = []
    const taken = new Set<string>()
    for (const disk of disks) {
      try {
        const observation = seen.get(disk.id)
        if (observation instanceof Error) throw observation
        const change = observation && (await changeOf(disk, observation, taken))
        if (change) changed.push({ disk, observation: change })
      } catch (error) {
        faults.set(disk.id, error as Error)
      }
    }
    if (changed.length === 0) return faults
    for (const { disk } of changed) remember(disk.id)
    await db.write(function* (sql) {
      for (const { disk, observation } of changed) {
        // Not if it has been claimed for something meanwhile.
        const change = { ...observed(observation), ...newIdentity(observation) }
        yield* changeDisk(sql, disk, change, { reason: observation.statusReason, at: now() })
      }
    })
    announce()
    return faults
  }

  /** The same, where a fault of the look itself is one of each disk. */
  const lookAtSome = (disks: readonly Disk[]) =>
    look(disks).catch((error: unknown) => new Map(disks.map(({ id }) => [id, error as Error])))

  /** What is seen of a disk that is not recorded yet. */
  async function see(disk: DiskReference): Promise<DiskObservation | undefined> {
    const observation = (await provider.observe([disk])).get(disk.id)
    if (observation instanceof Error) throw observation
    return observation
  }

  // UNKNOWN is what a disk was left in when it could not be looked at.
  const observable = Prisma.sql`"provider" = ${provider.name} AND "provisioned"
    AND "status" IN (${Prisma.join([...OBSERVED_DISK_STATUSES, 'UNKNOWN'])})`

  // A look costs the same for one disk as for many, so those asked for while one is in progress share the next:
  // no caller is answered by a look that began before its call.
  let looked: Promise<unknown> = Promise.resolve()
  const looks = new DataLoader<{ accountId: string; id: string }, Error | undefined>(
    async (wanted) => {
      const disks = new Map<string, Disk>()
      for (const { accountId, id } of wanted) {
        const disk = db.reader.get<Disk>(
          Prisma.sql`SELECT * FROM "Disk" WHERE "id" = ${id} AND "accountId" = ${accountId} AND ${observable}`,
        )
        if (disk) disks.set(id, disk)
      }
      const looking = look([...disks.values()])
      looked = looking.catch(() => undefined)
      const faults = await looking
      return wanted.map(({ id }) => faults.get(id))
    },
    { cache: false, maxBatchSize: LOOK_BATCH, batchScheduleFn: (dispatch) => void looked.then(dispatch) },
  )

  /**
   * Looks at the next 250 disks, by id, whose status follows from what the provider sees. Returns the id to go on after,
   * undefined when these were the last ones, and the faults of those that could not be looked at.
   */
  async function lookAtNext(
    after: string,
  ): Promise<{ next: string | undefined; faults: Map<string, Error> }> {
    const disks = db.reader.all<Disk>(
      Prisma.sql`SELECT * FROM "Disk" WHERE "id" > ${after} AND ${observable} ORDER BY "id" LIMIT ${LOOK_BATCH}`,
    )
    const next = disks.length < LOOK_BATCH ? undefined : disks.at(-1)?.id
    return { next, faults: await lookAtSome(disks) }
  }

  return {
    /** Registers an image file or block device as a disk; refused when the path, the name or the disk is not fit for it. */
    async register(viewer: Pick<Viewer, 'accountId'>, input: RegisterDisk): Promise<Disk> {
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
      const observation = await see(reference)
      const identity = observation?.identity ?? null
      const disk = {
        ...reference,
        identity,
        provider: provider.name,
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
        const outcome = await db.write((sql) => insertUnlessSame(sql, disk, looked))
        if ('registered' in outcome) {
          announce()
          return outcome.registered
        }
        if (identity !== null && (await isOneOf(outcome.unseen, identity))) throw new DiskAlreadyRegistered()
        for (const { id: seen } of outcome.unseen) looked.add(seen)
      }
    },

    /** Looks at one disk of the viewer, if there is one, so that what follows decides by its present status. */
    async lookAt({ accountId }: Pick<Viewer, 'accountId'>, diskId: string): Promise<void> {
      remember(diskId)
      await looks.load({ accountId, id: diskId })
    },

    /**
     * Looks at the disks, at most 100, that changed or were asked about within the last ten minutes. Returns the faults of
     * those that could not be looked at.
     */
    async lookAtLately(): Promise<Map<string, Error>> {
      const since = now().getTime() - LATELY_MS
      for (const [id, at] of lately) if (at < since) lately.delete(id)
      if (lately.size === 0) return new Map()
      return lookAtSome(
        db.reader.all<Disk>(
          Prisma.sql`SELECT * FROM "Disk" WHERE "id" IN (${Prisma.join([...lately.keys()])}) AND ${observable}`,
        ),
      )
    },

    lookAtNext,

    /** Looks at every disk whose status follows from what the provider sees; what cannot be looked at stays as it is recorded. */
    async lookAtAll(): Promise<void> {
      for (let after: string | undefined = ''; after !== undefined;) after = (await lookAtNext(after)).next
    },
  }
}

/**
 * Inserts a disk whose image is no other disk's; throws the refusal when its location is. Returns instead the disks that may be
 * the same image and have not been looked at: registered meanwhile, or not looked at since identities are recorded.
 */
function* insertUnlessSame(
  sql: Sql,
  disk: NewRow<'Disk'> & Pick<Disk, 'identity' | 'status' | 'statusReason'>,
  looked: ReadonlySet<string>,
): Work<{ registered: Disk } | { unseen: Disk[] }> {
  const { id, accountId, provider, identity, status, statusReason, createdAt } = disk
  if (identity !== null) {
    const same = { provider, provisioned: true, OR: [{ identity }, { identity: null }] }
    const unseen = (yield* sql.all('Disk', same)).filter((other) => !looked.has(other.id))
    if (unseen.length > 0) return { unseen }
  }
  if (!(yield* sql.insertNew('Disk', disk))) throw new DiskAlreadyRegistered()
  const step = { from: null, to: status, reason: statusReason, at: createdAt }
  yield* appendDiskTransitions(sql, { accountId, diskId: id, ...step })
  return { registered: yield* lockOwned(sql, 'Disk', disk, id) }
}

function agrees(disk: Disk, { status, statusReason, sizeBytes, identity }: DiskObservation): boolean {
  return (
    disk.status === status &&
    disk.statusReason === statusReason &&
    (sizeBytes === null || sizeBytes === disk.sizeBytes) &&
    (identity === null || identity === disk.identity)
  )
}
