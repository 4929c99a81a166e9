import DataLoader from 'dataloader'
import { REASONS } from '../domain/reasons.ts'
import { Prisma, type Disk } from '../generated/prisma/client.ts'
import type { Database } from '../database/database.ts'
import { OBSERVED_DISK_STATUSES } from '../domain/disk.ts'
import type { DiskObservation, DiskProvider, DiskReference } from '../providers/provider.ts'
import type { Clock } from './clock.ts'
import { changeDisk, newIdentity, observed } from './disk-status.ts'
import type { Viewer } from './viewer.ts'

export interface DiskLooksOptions {
  db: Database
  provider: DiskProvider
  /** Called after a commit that appended transitions. */
  announce: () => void
  now: Clock
}

const SAME_IMAGE = REASONS.IMAGE_SHARED

/** How many disks are looked at together. */
const LOOK_BATCH = 250

/** Disks that changed, or that a call asked about, within this time are looked at more often than the others. */
const LATELY_MS = 600_000
/** At most this many of them, so that this costs the same however many disks there are. */
const LATELY_MAX = 100

/** Asks the provider what disks are now, and records what has changed. */
export class DiskLooks {
  readonly #options: DiskLooksOptions
  /** When disks changed or were asked about, the longest ago first. */
  readonly #lately = new Map<string, number>()
  /** Which disks have a status that follows from what the provider sees. */
  readonly #observable: Prisma.Sql
  #looked: Promise<unknown> = Promise.resolve()
  /**
   * A look costs the same for one disk as for many, so those asked for while one is in progress share the next: no caller is
   * answered by a look that began before its call.
   */
  readonly #looks = new DataLoader<{ accountId: string; id: string }, Error | undefined>(
    (wanted) => this.#lookAtEach(wanted),
    {
      cache: false,
      maxBatchSize: LOOK_BATCH,
      batchScheduleFn: (dispatch) => void this.#looked.then(dispatch),
    },
  )

  constructor(options: DiskLooksOptions) {
    this.#options = options
    // Disks of other hosts are looked at there. UNKNOWN is what a disk was left in when it could not be looked at. The plus has the disks looked up by their ids.
    this.#observable = Prisma.sql`+"provider" = ${options.provider.name} AND "host" = ${options.provider.host} AND "provisioned"
      AND "status" IN (${Prisma.join([...OBSERVED_DISK_STATUSES, 'UNKNOWN'])})`
  }

  /** Looks at one disk of the viewer, if there is one, so that what follows decides by its present status. */
  async lookAt({ accountId }: Pick<Viewer, 'accountId'>, diskId: string): Promise<void> {
    this.#remember(diskId)
    await this.#looks.load({ accountId, id: diskId })
  }

  /**
   * Looks at the disks, at most 100, that changed or were asked about within the last ten minutes. Returns the faults of
   * those that could not be looked at.
   */
  async lookAtLately(): Promise<Map<string, Error>> {
    const since = this.#options.now().getTime() - LATELY_MS
    for (const [id, at] of this.#lately) if (at < since) this.#lately.delete(id)
    if (this.#lately.size === 0) return new Map()
    return this.#lookAtSome(
      this.#options.db.reader.all<Disk>(
        Prisma.sql`SELECT * FROM "Disk" WHERE "id" IN (${Prisma.join([...this.#lately.keys()])}) AND ${this.#observable}`,
      ),
    )
  }

  /**
   * Looks at the next 250 disks, by id, whose status follows from what the provider sees. Returns the id to go on after,
   * undefined when these were the last ones, and the faults of those that could not be looked at.
   */
  async lookAtNext(after: string): Promise<{ next: string | undefined; faults: Map<string, Error> }> {
    const disks = this.#options.db.reader.all<Disk>(
      Prisma.sql`SELECT * FROM "Disk" WHERE "id" > ${after} AND ${this.#observable} ORDER BY "id" LIMIT ${LOOK_BATCH}`,
    )
    const next = disks.length < LOOK_BATCH ? undefined : disks.at(-1)?.id
    return { next, faults: await this.#lookAtSome(disks) }
  }

  /** Looks at every disk whose status follows from what the provider sees; what cannot be looked at stays as it is recorded. */
  async lookAtAll(): Promise<void> {
    for (let after: string | undefined = ''; after !== undefined;) after = (await this.lookAtNext(after)).next
  }

  /** What is seen of a disk that is not recorded yet. */
  async see(disk: DiskReference): Promise<DiskObservation | undefined> {
    const observation = (await this.#options.provider.observe([disk])).get(disk.id)
    if (observation instanceof Error) throw observation
    return observation
  }

  /** Whether one of these recorded disks is what this identity stands for now. */
  async isOneOf(recorded: readonly Disk[], identity: string): Promise<boolean> {
    if (recorded.length === 0) return false
    // What is recorded may be of another file by now, or of another device since a restart of the machine.
    const seen = await this.#options.provider.observe(recorded)
    return recorded.some((disk) => {
      const observation = seen.get(disk.id)
      return observation && !(observation instanceof Error) && observation.identity === identity
    })
  }

  #remember(id: string): void {
    this.#lately.delete(id)
    this.#lately.set(id, this.#options.now().getTime())
    const [oldest] = this.#lately.keys()
    if (this.#lately.size > LATELY_MAX && oldest !== undefined) this.#lately.delete(oldest)
  }

  async #lookAtEach(wanted: readonly { accountId: string; id: string }[]): Promise<(Error | undefined)[]> {
    const disks = new Map<string, Disk>()
    for (const { accountId, id } of wanted) {
      const disk = this.#options.db.reader.get<Disk>(
        Prisma.sql`SELECT * FROM "Disk" WHERE "id" = ${id} AND "accountId" = ${accountId} AND ${this.#observable}`,
      )
      if (disk) disks.set(id, disk)
    }
    const looking = this.#look([...disks.values()])
    this.#looked = looking.catch(() => undefined)
    const faults = await looking
    return wanted.map(({ id }) => faults.get(id))
  }

  /** The same as `#look`, where a fault of the look itself is one of each disk. */
  #lookAtSome(disks: readonly Disk[]): Promise<Map<string, Error>> {
    return this.#look(disks).catch((error: unknown) => new Map(disks.map(({ id }) => [id, error as Error])))
  }

  /**
   * Asks the provider about these disks, and records what has changed about those whose status follows from it. Returns the
   * faults of those that could not be looked at, by their ids: one such disk holds up no other.
   */
  async #look(disks: readonly Disk[]): Promise<Map<string, Error>> {
    const { db, provider, announce, now } = this.#options
    const faults = new Map<string, Error>()
    if (disks.length === 0) return faults
    const seen = await provider.observe(disks)
    const changed: { disk: Disk; observation: DiskObservation }[] = []
    const taken = new Set<string>()
    for (const disk of disks) {
      try {
        const observation = seen.get(disk.id)
        if (observation instanceof Error) throw observation
        const change = observation && (await this.#changeOf(disk, observation, taken))
        if (change) changed.push({ disk, observation: change })
      } catch (error) {
        faults.set(disk.id, error as Error)
      }
    }
    if (changed.length === 0) return faults
    for (const { disk } of changed) this.#remember(disk.id)
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

  /** What is seen of a disk, of which some in the same look have taken their identity already; undefined when it is as recorded. */
  async #changeOf(
    disk: Disk,
    seen: DiskObservation,
    taken: Set<string>,
  ): Promise<DiskObservation | undefined> {
    if (agrees(disk, seen)) return undefined
    const { identity } = seen
    if (identity === null || identity === disk.identity) return seen
    // An image belongs to the disk that had it first.
    if (taken.has(identity) || (await this.#isOfAnother(identity, disk.id))) {
      const same = { status: 'ERROR' as const, statusReason: SAME_IMAGE, sizeBytes: null, identity: null }
      return agrees(disk, same) ? undefined : same
    }
    taken.add(identity)
    return seen
  }

  /** Whether another disk is what this identity stands for now. */
  async #isOfAnother(identity: string, id: string): Promise<boolean> {
    const { db, provider } = this.#options
    return this.isOneOf(
      db.reader.all<Disk>(
        Prisma.sql`SELECT * FROM "Disk" WHERE "provider" = ${provider.name} AND "id" != ${id} AND "provisioned"
          AND "identity" = ${identity} AND "host" = ${provider.host}`,
      ),
      identity,
    )
  }
}

function agrees(disk: Disk, { status, statusReason, sizeBytes, identity }: DiskObservation): boolean {
  return (
    disk.status === status &&
    disk.statusReason === statusReason &&
    (sizeBytes === null || sizeBytes === disk.sizeBytes) &&
    (identity === null || identity === disk.identity)
  )
}
