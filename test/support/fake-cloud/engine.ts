import { chance } from '../random.ts'

/** What goes wrong, each until it is switched off; `next` faults hit the next request that they fit, and are used up. */
export interface Faults {
  /** Answers every request with this status and body. */
  everything?: { status: number; body: string; headers?: Record<string, string> } | undefined
  /** The next change is done, and its answer lost: the connection is cut, or a 500 is answered. */
  nextWriteLost?: 'CUT' | '500' | undefined
  /** The next change is answered with 500, and not done. */
  nextWriteFails?: boolean | undefined
  /** Lists have a row twice, and rows in an order of their own. */
  messyLists?: boolean | undefined
  /** The next list with a marker refuses it. */
  nextMarkerRefused?: boolean | undefined
  /** The cloud's clock is ahead of ours. */
  clockAheadMs?: number | undefined
  /** Creates are accepted and then fail. */
  createsFailLater?: boolean | undefined
  /** Deletions are accepted, and the snapshots stay as they are. */
  deletesIgnored?: boolean | undefined
  /** Lists that go on do not say where. */
  nextMarkerMissing?: boolean | undefined
  /** Why a snapshot failed is told this long after it failed, where that is told at all. */
  messagesAfterMs?: number | undefined
  /** New snapshots are not in lists and reads for this long. */
  visibleAfterMs?: number | undefined
  /** Lists have no rows at all, though reads do. */
  emptyLists?: boolean | undefined
  /** Lists are answered when this resolves, with what there was when they were asked for. */
  listsHeld?: Promise<unknown> | undefined
  /** With what chance a row is missing from a list, though reads have it. */
  listsLack?: number | undefined
  /** The credentials may not read quotas. */
  quotasForbidden?: boolean | undefined
  /** Tokens are forgotten at once. */
  tokensForgotten?: boolean | undefined
  /** The next token is taken for that of another request. */
  nextTokenRefused?: boolean | undefined
  /** A snapshot in creation does not move. */
  stuck?: boolean | undefined
}

export interface FakeDisk {
  id: string
  name: string
  sizeGiB: number
  system: boolean
  instanceId: string | null
  /** The cloud's own word. */
  status: string
  createdAt: number
}

/** A policy that the cloud runs by itself. */
export interface FakePolicy {
  id: string
  name: string
  timePoints: number[]
  repeatWeekdays: number[]
  retentionDays: number
  status: string
  diskIds: Set<string>
  ranAt: number | null
  createdAt: number
}

export interface FakeSnapshot {
  id: string
  diskId: string
  name: string
  description: string
  metadata: Record<string, string>
  sizeGiB: number
  createdAt: number
  doneAt: number
  visibleAt: number
  fails: boolean
  automatic: boolean
  deleted: boolean
}

/** The state of a small cloud with a clock of its own, and what happens in it. How it is spoken to is a dialect's. */
export class FakeCloud {
  readonly faults: Faults = {}
  readonly disks = new Map<string, FakeDisk>()
  readonly snapshots = new Map<string, FakeSnapshot>()
  readonly policies = new Map<string, FakePolicy>()
  /** Every request that came in, as `METHOD /path`. */
  readonly calls: string[] = []
  /** How long a snapshot takes. */
  copyMs = 2_000
  snapshotLimit = 256
  /** When the credentials end, where the cloud tells that; null if they do not. */
  credentialsEndAt: number | null = null
  pageSize = 1_000
  readonly dice
  #now = Date.parse('2026-11-26T00:00:00Z')
  #ids = 0

  constructor(seed = 1) {
    this.dice = chance(seed)
  }

  now(): number {
    return this.#now
  }

  advance(ms: number): void {
    this.#now += ms
  }

  newId(prefix: string): string {
    const count = String(++this.#ids).padStart(8, '0')
    return prefix === '' ? `00000000-0000-4000-8000-0000${count}` : `${prefix}-${count}`
  }

  disk(prefix: string, status: string, more: Partial<FakeDisk> = {}): FakeDisk {
    const id = this.newId(prefix)
    const disk = {
      id,
      name: `disk-${id}`,
      sizeGiB: 20,
      system: false,
      instanceId: null,
      status,
      createdAt: this.#now,
      ...more,
    }
    this.disks.set(id, disk)
    return disk
  }

  policy(prefix: string, more: Partial<FakePolicy> = {}): FakePolicy {
    const policy = {
      id: this.newId(prefix),
      name: 'nightly',
      timePoints: [0],
      repeatWeekdays: [0, 1, 2, 3, 4, 5, 6],
      retentionDays: -1,
      status: 'active',
      diskIds: new Set<string>(),
      ranAt: null,
      createdAt: this.#now,
      ...more,
    }
    this.policies.set(policy.id, policy)
    return policy
  }

  /** A policy makes a snapshot of each of its disks, as it does at its hours. */
  run(policy: FakePolicy): void {
    policy.ranAt = this.#now
    for (const diskId of policy.diskIds)
      if (this.disks.has(diskId)) this.snapshot('s', diskId, { name: `auto-${policy.name}`, automatic: true })
  }

  snapshot(prefix: string, diskId: string, more: Partial<FakeSnapshot> = {}): FakeSnapshot {
    const snapshot: FakeSnapshot = {
      id: this.newId(prefix),
      diskId,
      name: 'unnamed',
      description: '',
      metadata: {},
      sizeGiB: this.disks.get(diskId)?.sizeGiB ?? 1,
      createdAt: this.#now,
      doneAt: this.#now + this.copyMs,
      visibleAt: this.#now + (this.faults.visibleAfterMs ?? 0),
      fails: this.faults.createsFailLater ?? false,
      automatic: false,
      deleted: false,
      ...more,
    }
    this.snapshots.set(snapshot.id, snapshot)
    return snapshot
  }

  stage(snapshot: FakeSnapshot): 'CREATING' | 'DONE' | 'FAILED' {
    if (this.faults.stuck || this.#now < snapshot.doneAt) return 'CREATING'
    return snapshot.fails ? 'FAILED' : 'DONE'
  }

  visible(id: string): FakeSnapshot | undefined {
    const snapshot = this.snapshots.get(id)
    return snapshot && !snapshot.deleted && this.#now >= snapshot.visibleAt ? snapshot : undefined
  }

  /** What exists of a disk, seen or not yet. */
  snapshotsOf(diskId: string): FakeSnapshot[] {
    return [...this.snapshots.values()].filter((snapshot) => !snapshot.deleted && snapshot.diskId === diskId)
  }

  /** A page of rows from the one with the id `marker`, and the id that the next page begins with. */
  page<Row extends { id: string }>(
    all: readonly Row[],
    marker: string | null,
    limit: number,
  ): { rows: Row[]; next: string | undefined } | 'MARKER_REFUSED' {
    if (this.faults.emptyLists) return { rows: [], next: undefined }
    const from = marker === null ? 0 : all.findIndex(({ id }) => id === marker)
    if (from < 0 || (marker !== null && this.faults.nextMarkerRefused)) {
      this.faults.nextMarkerRefused = false
      return 'MARKER_REFUSED'
    }
    const size = Math.min(limit, this.pageSize)
    const { listsLack = 0 } = this.faults
    const rows = all.slice(from, from + size).filter(() => listsLack === 0 || !this.dice.happens(listsLack))
    const messy = this.faults.messyLists && rows.length > 0 ? [...rows, this.dice.pick(rows)].reverse() : rows
    return { rows: messy, next: all[from + size]?.id }
  }
}
