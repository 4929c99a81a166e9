import { createHash } from 'node:crypto'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Logger } from 'pino'
import { REASONS } from '../domain/reasons.ts'
import type { Database } from '../database/database.ts'
import type { Sql, Work } from '../database/work.ts'
import { nearEndFrom, type Provider } from '../domain/connection.ts'
import { isSettled } from '../domain/lifecycle.ts'
import { writePolicies } from '../domain/upstream-policy.ts'
import { totalsOf, writeQuotas } from '../domain/upstream-quota.ts'
import { Prisma, type Connection, type Disk, type Job, type Snapshot } from '../generated/prisma/client.ts'
import type { SeenDisk, SeenSnapshot } from '../providers/cloud/cloud.ts'
import { GRACE_MS } from '../providers/cloud/create-once.ts'
import { SecretError, versionOf } from '../providers/cloud/credentials.ts'
import { CloudFault } from '../providers/cloud/faults.ts'
import { eachPage, lookForMissing } from '../providers/cloud/pages.ts'
import type { Clock, NewId } from '../services/clock.ts'
import type { CloudJobs } from '../services/cloud-jobs.ts'
import type { Clouds } from '../services/clouds.ts'
import {
  diskChanges,
  ROWS_AT_ONCE,
  snapshotChanges,
  writeDisk,
  writeDiskGone,
  writeSnapshot,
  writeSnapshotGone,
  type Seeing,
} from '../services/upstream-rows.ts'

export interface CloudWatchOptions {
  db: Database
  clouds: Clouds
  jobs: Pick<CloudJobs, 'workOn'>
  /** Called after a commit that appended transitions. */
  announce: () => void
  /** How often everything is compared with the cloud, in milliseconds. */
  inventoryMs: number
  log: Logger
  now: Clock
  /** A monotonic clock, in milliseconds. */
  steadyMs: () => number
  newId: NewId
  /** Chance, from 0 to 1, that spreads calls; tests give their own. */
  random?: (() => number) | undefined
}

/** How long after each look at something that is in progress the next one comes, in milliseconds; then as the last. */
const STEPS_MS = [1_000, 2_000, 3_000, 5_000, 8_000, 13_000, 15_000]

/** How often a disk is read whose status has changed lately, and for how long, in milliseconds. */
const LATELY_EVERY_MS = 30_000
const LATELY_MS = 10 * 60_000

/** How many things that a whole list lacks are read in one pass: the others have the next one. */
const MISSING_AT_MOST = 50

/** How many things in progress are read one by one in a row, where there is no cheaper list. */
const READS_AT_MOST = 20

/**
 * How long the failure of a snapshot is withheld for its reason, which some clouds give a little later, and how long the reason is
 * looked for after that, in milliseconds.
 */
const WITHHELD_MS = 5_000
const REASON_MS = 2 * 60_000

/** How long a connection is left alone whose credentials or clock are wrong, in milliseconds. */
const BROKEN_MS = 5 * 60_000

/**
 * How many rows are written in a transaction at least, and for how long more are taken into it, in milliseconds: a transaction
 * holds the event loop, and after it background work rests for as long.
 */
const WRITTEN_AT_ONCE = 10
const WRITTEN_MS = 10

/** How long a pass may take, in milliseconds. */
const PASS_MS = 10 * 60_000

/** Something whose next look is due at a time. */
interface Due {
  dueAt: number
  step: number
  /** Until when it is looked at even though nothing is in progress. */
  until: number
}

/** How things that a list lacks are looked for, and what that shows is written. */
interface Missing<Row> {
  listed: ReadonlySet<string>
  read: (externalId: string) => Promise<Row | undefined>
  write: (found: Row[]) => Promise<void>
  take: typeof writeDiskGone
}

/** The lease of the connection has gone to another gateway, or the connection is deleted. */
export class WatchLost extends Error {}

/**
 * Watches one connection: asks for what was accepted here, looks at what is in progress, and now and then compares everything.
 * Only what differs is written. One gateway does this for a connection at a time, however many ask for its disks.
 */
export class CloudWatch {
  readonly #options: CloudWatchOptions
  readonly #id: string
  /** Throws `WatchLost` inside of a transaction, unless this gateway still has the connection. */
  readonly #confirm: (sql: Sql) => Work<void>
  readonly #snapshots = new Map<string, Due>()
  readonly #disks = new Map<string, Due>()
  /** Since when the reasons of snapshots that have failed are looked for. */
  readonly #unexplained = new Map<string, number>()
  /** When each was read one by one, since the last comparison began: a list that was asked for before is older. */
  readonly #readAt = new Map<string, number>()
  #inventoryAt: number | undefined
  #refreshedFor: Date | null = null
  /** How many calls the last list of all snapshots took. */
  #pages = 1
  #faults = 0
  #quietUntil = 0
  /** Whether the cloud refused the credentials at the last call, and what their file was before that. */
  #isRefused = false
  #file: string | undefined
  /** The reference to its credentials, and the `stateSince` for which it was read. */
  #reference: { is: string | null; since: number } | undefined
  #state: Connection['state'] | undefined
  /** The end of credentials that the log has warned of. */
  #warnedOf: number | undefined

  constructor(id: string, confirm: (sql: Sql) => Work<void>, options: CloudWatchOptions) {
    this.#id = id
    this.#confirm = confirm
    this.#options = options
  }

  /** When the next look at something in progress is due, by the steady clock; undefined when nothing is in progress. */
  get dueAt(): number | undefined {
    const all = [...this.#snapshots.values(), ...this.#disks.values()]
    if (all.length === 0) return undefined
    const first = all.reduce((least, { dueAt }) => Math.min(least, dueAt), Infinity)
    return Math.max(first, this.#quietUntil)
  }

  /**
   * Asks for what was accepted here and looks at what is in progress, as far as it is due; at everything when `all`. Returns
   * whether the cloud answered; a fault of the cloud puts the next look off.
   */
  look(signal: AbortSignal, all = false): Promise<boolean> {
    return this.#patiently(all, async (connection) => {
      this.#withPending(connection)
      if (!(await this.#options.jobs.workOn(connection))) {
        this.#putOff(undefined)
        return false
      }
      await this.#readSnapshots(connection, signal, all)
      await this.#readDisks(connection, signal, all)
      return true
    })
  }

  /** Compares everything with the cloud when that is due, or when `all`. It may take minutes, and `look` goes on meanwhile. */
  compare(signal: AbortSignal, all = false): Promise<boolean> {
    return this.#patiently(all, async (connection) => {
      const isAsked = isAfter(connection.refreshAt, this.#refreshedFor)
      if (all || isAsked || this.#options.steadyMs() >= this.#nextInventory(connection))
        await this.#compareAll(connection, signal)
      return true
    })
  }

  /** Does something with the cloud unless it is left alone now. Returns whether the cloud answered. */
  async #patiently(all: boolean, work: (connection: Connection) => Promise<boolean>): Promise<boolean> {
    const connection = this.#options.db.reader.get<Connection>(
      Prisma.sql`SELECT * FROM "Connection" WHERE "id" = ${this.#id}`,
    )
    if (!connection) return false
    await this.#seeFile(connection)
    if (!all && !this.#isTime(connection)) return false
    try {
      const isAnswered = await work(connection)
      if (isAnswered) [this.#faults, this.#isRefused] = [0, false]
      return isAnswered
    } catch (error) {
      if (!(error instanceof CloudFault || error instanceof SecretError)) throw error
      await this.#stallJobs(error.message)
      this.#putOff(error)
      return false
    }
  }

  /** Ends the pause after a refusal, and has everything compared, when the file of the credentials has changed since. */
  async #seeFile({ stateSince }: Connection): Promise<void> {
    const { db, steadyMs } = this.#options
    // A replica has no references. New credentials come with a new state.
    if (this.#reference?.since !== stateSince.getTime()) {
      const row = await db.connection.findUnique({ where: { id: this.#id }, select: { reference: true } })
      this.#reference = { is: row?.reference ?? null, since: stateSince.getTime() }
    }
    const file = await versionOf(this.#reference.is)
    if (this.#isRefused && file !== this.#file) this.#quietUntil = this.#inventoryAt = steadyMs()
    this.#file = file
  }

  /** Whether the connection is not left alone now. New credentials, a test and a request to refresh end that. */
  #isTime({ state, refreshAt }: Connection): boolean {
    const isMended =
      this.#state !== undefined && state !== this.#state && (state === 'UNTRIED' || state === 'OK')
    this.#state = state
    if (isMended || isAfter(refreshAt, this.#refreshedFor))
      this.#quietUntil = Math.min(this.#quietUntil, this.#options.steadyMs())
    return this.#options.steadyMs() >= this.#quietUntil
  }

  #putOff(error: CloudFault | SecretError | undefined): void {
    const { steadyMs, random = Math.random } = this.#options
    this.#isRefused = error instanceof SecretError || error?.class === 'CREDENTIALS'
    const isBroken = this.#isRefused || (error instanceof CloudFault && error.class === 'CLOCK')
    const backOffMs = isBroken ? BROKEN_MS : Math.min(60_000, 1_000 * 2 ** this.#faults++) * random()
    const retryAfterMs = error instanceof CloudFault ? (error.retryAfterMs ?? 0) : 0
    this.#quietUntil = steadyMs() + Math.max(backOffMs, Math.min(retryAfterMs, BROKEN_MS))
    this.#refreshedFor = this.#options.now()
  }

  /** The first pass comes at once for a new connection, and else at a time of its own, so that a start asks no cloud for everything. */
  #nextInventory({ id, syncedAt }: Connection): number {
    const { steadyMs, inventoryMs } = this.#options
    if (this.#inventoryAt !== undefined) return this.#inventoryAt
    const share = (createHash('sha256').update(id).digest()[0] ?? 0) / 256
    this.#inventoryAt = steadyMs() + (syncedAt === null ? 0 : share * Math.min(inventoryMs, 30_000))
    return this.#inventoryAt
  }

  /** What is in progress by jobs, which other gateways may have accepted. */
  #withPending({ id }: Connection): void {
    const jobs = this.#options.db.reader.all<{ externalId: string }>(
      Prisma.sql`SELECT s."externalId" FROM "Job" j JOIN "Snapshot" s ON s."id" = j."snapshotId"
        WHERE j."connectionId" = ${id} AND s."externalId" IS NOT NULL`,
    )
    for (const { externalId } of jobs) this.#expect(this.#snapshots, externalId, false)
  }

  #expect(due: Map<string, Due>, externalId: string, isLately: boolean): void {
    const now = this.#options.steadyMs()
    const known = due.get(externalId)
    if (known) known.until = isLately ? now + LATELY_MS : known.until
    else
      due.set(externalId, { dueAt: now + (STEPS_MS[0] ?? 0), step: 0, until: isLately ? now + LATELY_MS : 0 })
  }

  /** What is due of these, each put off to its next look. */
  #dueOf(due: Map<string, Due>, all: boolean): string[] {
    const now = this.#options.steadyMs()
    const ids: string[] = []
    for (const [id, one] of due) {
      if (!all && one.dueAt > now) continue
      const last = STEPS_MS.length - 1
      one.step = Math.min(one.step + 1, last)
      one.dueAt = now + (one.until > now ? LATELY_EVERY_MS : (STEPS_MS[one.step] ?? 0))
      ids.push(id)
    }
    return ids
  }

  /** Looks at the snapshots that are in progress: one by one, or by a list of all where that takes fewer calls. */
  async #readSnapshots(connection: Connection, signal: AbortSignal, all: boolean): Promise<void> {
    const cloud = this.#options.clouds.of(connection, 'PENDING')
    const ids = this.#dueOf(this.#snapshots, all)
    if (ids.length === 0) return
    const listed = new Map<string, SeenSnapshot>()
    if (ids.length > this.#pages && ids.length > 1) {
      const wanted = new Set(ids)
      await eachPage(
        (cursor) => cloud.listSnapshots(cursor, signal),
        (rows) => {
          for (const row of rows) if (wanted.has(row.externalId)) listed.set(row.externalId, row)
        },
      )
    }
    const seen: SeenSnapshot[] = []
    const gone: string[] = []
    const unexplained: [string, Due | undefined][] = []
    let reads = 0
    for (const id of ids) {
      // A list lacks the reason of a failure, and may lag behind.
      const row = listed.get(id)
      if (row && !(row.status && isSettled(row.status))) seen.push(row)
      else if (reads++ < READS_AT_MOST) {
        const read = await cloud.readSnapshot(id, signal)
        this.#readAt.set(id, this.#options.steadyMs())
        const waited = read && cloud.abilities.reasonsComeLater ? this.#waitedForReason(read) : Infinity
        if (waited < REASON_MS) unexplained.push([id, this.#snapshots.get(id)])
        if (!read) gone.push(id)
        else if (waited >= WITHHELD_MS) seen.push(read)
      } else this.#soon(id)
    }
    await this.#writeSnapshots(connection, seen)
    for (const [id, due] of unexplained) if (due) this.#snapshots.set(id, due)
    await this.#writeGone(connection, gone)
  }

  /** For how long a snapshot has failed without a reason; Infinity when it has one, or has not failed. */
  #waitedForReason({ externalId, status, reason }: SeenSnapshot): number {
    const now = this.#options.steadyMs()
    const since = this.#unexplained.get(externalId) ?? now
    const waited = status === 'FAILED' && reason === null ? now - since : Infinity
    if (waited < REASON_MS) this.#unexplained.set(externalId, since)
    else this.#unexplained.delete(externalId)
    return waited
  }

  /** Whether a snapshot in progress has failed by a list, which lacks the reason. The next look reads it. */
  #mustBeRead({ externalId, status }: SeenSnapshot): boolean {
    if (status !== 'FAILED' || !this.#snapshots.has(externalId)) return false
    this.#soon(externalId)
    return true
  }

  #soon(id: string): void {
    const due = this.#snapshots.get(id)
    if (due) due.dueAt = this.#options.steadyMs()
  }

  /** Where a deletion was asked for, absence is its end. Anything else that is not there yet has the next whole pass. */
  async #writeGone(connection: Connection, ids: readonly string[]): Promise<void> {
    const { db } = this.#options
    for (const externalId of ids) {
      const deletion = db.reader.get<Job>(
        Prisma.sql`SELECT j.* FROM "Job" j JOIN "Snapshot" s ON s."id" = j."snapshotId"
          WHERE s."connectionId" = ${connection.id} AND s."externalId" = ${externalId}
            AND j."kind" = 'DELETE_SNAPSHOT' AND j."sentAt" IS NOT NULL`,
      )
      const known = db.reader.get<Snapshot>(
        Prisma.sql`SELECT * FROM "Snapshot" WHERE "connectionId" = ${connection.id} AND "externalId" = ${externalId}`,
      )
      if (known === undefined) this.#snapshots.delete(externalId)
      if (!deletion) continue
      this.#snapshots.delete(externalId)
      await this.#write(connection, (sql, seeing) => writeSnapshotGone(sql, seeing, externalId))
    }
  }

  async #readDisks(connection: Connection, signal: AbortSignal, all: boolean): Promise<void> {
    const cloud = this.#options.clouds.of(connection, 'PENDING')
    const seen: SeenDisk[] = []
    for (const id of this.#dueOf(this.#disks, all).slice(0, READS_AT_MOST)) {
      const disk = await cloud.readDisk(id, signal)
      this.#readAt.set(id, this.#options.steadyMs())
      if (disk) seen.push(disk)
      else this.#disks.delete(id)
    }
    await this.#writeDisks(connection, seen)
  }

  /**
   * Compares everything with the cloud. What a complete list lacks is read before it is believed gone; what was made a short
   * while ago may be missing from it.
   */
  async #compareAll(connection: Connection, signal: AbortSignal): Promise<void> {
    const { db, clouds, now, steadyMs, inventoryMs, random = Math.random } = this.#options
    const limit = AbortSignal.any([signal, AbortSignal.timeout(PASS_MS)])
    const cloud = clouds.of(connection, 'INVENTORY')
    const beganAt = now()
    const before = new Date(beganAt.getTime() - GRACE_MS)
    this.#readAt.clear()
    let askedAt = 0
    const isNews = ({ externalId }: { externalId: string }) => (this.#readAt.get(externalId) ?? -1) < askedAt
    const disks = await eachPage(
      (cursor) => {
        askedAt = steadyMs()
        return cloud.listDisks(cursor, limit)
      },
      (rows) => this.#writeDisks(connection, rows.filter(isNews)),
    )
    let pages = 0
    const snapshots = await eachPage(
      (cursor) => {
        pages++
        askedAt = steadyMs()
        return cloud.listSnapshots(cursor, limit)
      },
      (rows) =>
        this.#writeSnapshots(
          connection,
          rows.filter((row) => isNews(row) && !this.#mustBeRead(row)),
        ),
    )
    this.#pages = pages
    await this.#lookForMissing('Disk', connection, before, {
      listed: disks,
      read: (id) => cloud.readDisk(id, limit),
      write: (found) => this.#writeDisks(connection, found),
      take: writeDiskGone,
    })
    await this.#lookForMissing('Snapshot', connection, before, {
      listed: snapshots,
      read: (id) => cloud.readSnapshot(id, limit),
      write: (found) => this.#writeSnapshots(connection, found),
      take: writeSnapshotGone,
    })
    const quotas = await ifAnswered(cloud.quota(limit), (read) => writeQuotas(totalsOf(read)))
    const policies = await ifAnswered(cloud.policies(limit), writePolicies)
    const end = await ifAnswered(cloud.credentialsEnd(limit), (at) => this.#endOfCredentials(connection, at))
    const confirm = this.#confirm
    await db.writeInBackground(function* (sql) {
      yield* confirm(sql)
      yield* sql.update('Connection', { syncedAt: beganAt, quotas, policies, ...end }, { id: connection.id })
    })
    this.#refreshedFor = beganAt
    this.#inventoryAt = steadyMs() + inventoryMs * (0.75 + 0.5 * random())
  }

  /** What is recorded of the end of the credentials, which the log warns of once when it is near. */
  #endOfCredentials(
    { credentialsExpireAt: known, credentialsWarnAt, id }: Connection,
    at: Date | null,
  ): Pick<Connection, 'credentialsExpireAt' | 'credentialsWarnAt'> {
    const { log, now } = this.#options
    const isKnown = at !== null && at.getTime() === known?.getTime()
    const warnAt = isKnown ? credentialsWarnAt : at && nearEndFrom(at, now())
    if (at !== null && warnAt !== null && warnAt <= now() && at.getTime() !== this.#warnedOf) {
      this.#warnedOf = at.getTime()
      log.warn(
        { connectionId: id, credentialsExpireAt: at },
        'the credentials of a connection to a cloud expire soon',
      )
    }
    return { credentialsExpireAt: at, credentialsWarnAt: warnAt }
  }

  /** Reads what is recorded and was not listed, and writes what that shows. */
  async #lookForMissing<Row>(
    table: 'Disk' | 'Snapshot',
    connection: Connection,
    before: Date,
    { listed, read, write, take }: Missing<Row>,
  ): Promise<void> {
    let most = MISSING_AT_MOST
    for await (const known of this.#known(table, connection.id)) {
      const { gone, found } = await lookForMissing(listed, known, read, { before, most })
      await write(found)
      for (const id of gone) await this.#write(connection, (sql, seeing) => take(sql, seeing, id))
      most -= gone.length + found.length
    }
  }

  /** What is recorded of a connection, in parts, with since when each can be expected to be seen. */
  async *#known(table: 'Disk' | 'Snapshot', connectionId: string) {
    const since = Prisma.raw(table === 'Disk' ? '"createdAt"' : 'coalesce("seenAt", "createdAt")')
    for (let after = ''; ;) {
      const rows = this.#options.db.reader.all<{ externalId: string; since: Date | string }>(
        Prisma.sql`SELECT "externalId", ${since} AS "since" FROM ${Prisma.raw(`"${table}"`)}
          WHERE "connectionId" = ${connectionId} AND "externalId" > ${after} ORDER BY "externalId" LIMIT 1000`,
      )
      const last = rows.at(-1)
      if (!last) return
      yield rows.map(({ externalId, since }) => ({ externalId, since: new Date(since) }))
      after = last.externalId
      await nextTurn()
    }
  }

  async #writeDisks(connection: Connection, seen: readonly SeenDisk[]): Promise<void> {
    const { db } = this.#options
    const copied = new Set(
      db.reader
        .all<{ diskId: string }>(
          Prisma.sql`SELECT "diskId" FROM "Job" WHERE "connectionId" = ${connection.id} AND "kind" = 'COPY_SNAPSHOT'`,
        )
        .map(({ diskId }) => diskId),
    )
    for (const some of parts(seen)) {
      const rows = this.#rows<Disk>('Disk', connection.id, some)
      const differing = some.filter((one) => {
        const row = rows.get(one.externalId)
        const isOther = row ? diskChanges(row, one, copied.has(row.id)) : one.status !== 'DELETED'
        if (!isSettled(one.status)) this.#expect(this.#disks, one.externalId, false)
        else if (row && row.status !== one.status) this.#expect(this.#disks, one.externalId, true)
        else if ((this.#disks.get(one.externalId)?.until ?? 0) < this.#options.steadyMs())
          this.#disks.delete(one.externalId)
        return isOther
      })
      await this.#writeEach(connection, differing, writeDisk)
      await nextTurn()
    }
  }

  async #writeSnapshots(connection: Connection, seen: readonly SeenSnapshot[]): Promise<void> {
    const at = this.#options.now()
    for (const some of parts(seen)) {
      const rows = this.#rows<Snapshot>('Snapshot', connection.id, some)
      const jobs = this.#jobsOf(connection.id)
      const disks = this.#diskIds(
        connection.id,
        some.flatMap(({ diskExternalId }) => diskExternalId ?? []),
      )
      const differing = some.filter((one) => {
        const row = rows.get(one.externalId)
        const own = row ? (jobs.get(row.id) ?? []) : []
        const diskId = disks.get(one.diskExternalId ?? '') ?? null
        const isInProgress = own.length > 0 || (one.status !== undefined && !isSettled(one.status))
        if (isInProgress) this.#expect(this.#snapshots, one.externalId, false)
        else this.#snapshots.delete(one.externalId)
        return !row || own.length > 0 || snapshotChanges(row, one, own, { at, diskId }) !== undefined
      })
      await this.#writeEach(connection, differing, writeSnapshot)
      // The status of a disk follows what is made of it.
      for (const { externalId, diskExternalId } of differing) {
        const isMade = rows.get(externalId)?.status === 'CREATING'
        if (isMade && diskExternalId !== null) this.#expect(this.#disks, diskExternalId, true)
      }
      await nextTurn()
    }
  }

  #jobsOf(connectionId: string): Map<string | null, Job[]> {
    const jobs = this.#options.db.reader.all<Job>(
      Prisma.sql`SELECT * FROM "Job" WHERE "connectionId" = ${connectionId}`,
    )
    return Map.groupBy(jobs, ({ snapshotId }) => snapshotId)
  }

  #rows<Row extends { externalId: string | null }>(
    table: 'Disk' | 'Snapshot',
    connectionId: string,
    seen: readonly { externalId: string }[],
  ): Map<string, Row> {
    const ids = JSON.stringify(seen.map(({ externalId }) => externalId))
    const rows = this.#options.db.reader.all<Row>(
      Prisma.sql`SELECT * FROM ${Prisma.raw(`"${table}"`)} WHERE "connectionId" = ${connectionId}
        AND "externalId" IN (SELECT value FROM json_each(${ids}))`,
    )
    return new Map(rows.map((row) => [row.externalId ?? '', row]))
  }

  /** Our ids of disks, by those of the cloud. */
  #diskIds(connectionId: string, externalIds: readonly string[]): Map<string, string> {
    const rows = this.#options.db.reader.all<{ id: string; externalId: string }>(
      Prisma.sql`SELECT "id", "externalId" FROM "Disk" WHERE "connectionId" = ${connectionId}
        AND "externalId" IN (SELECT value FROM json_each(${JSON.stringify(externalIds)}))`,
    )
    return new Map(rows.map(({ id, externalId }) => [externalId, id]))
  }

  /** Writes each, in transactions that are as long as they may be. */
  async #writeEach<Seen>(
    connection: Connection,
    all: readonly Seen[],
    write: (sql: Sql, seeing: Seeing, one: Seen) => Work<void>,
  ): Promise<void> {
    for (let written = 0; written < all.length;) {
      let next = written
      await this.#write(connection, function* (sql, seeing) {
        const until = performance.now() + WRITTEN_MS
        // A transaction that is done again begins where it began.
        next = written
        for (const one of all.slice(written)) {
          if (next - written >= WRITTEN_AT_ONCE && performance.now() >= until) return
          yield* write(sql, seeing, one)
          next++
        }
      })
      written = next
    }
  }

  /** Writes in a transaction, as long as this gateway has the connection. */
  async #write(connection: Connection, work: (sql: Sql, seeing: Seeing) => Work<void>): Promise<void> {
    const { db, announce, now, newId } = this.#options
    const provider = connection.provider.toLowerCase() as Provider
    const seeing = { connection: { ...connection, provider }, at: now(), newId }
    const confirm = this.#confirm
    await db.writeInBackground(function* (sql) {
      yield* confirm(sql)
      yield* work(sql, seeing)
    })
    announce()
  }

  /** Operations of the connection are delayed, and say why. */
  async #stallJobs(reason: string): Promise<void> {
    const id = this.#id
    const { db, now, announce } = this.#options
    const jobs = this.#jobsOf(id)
    if ([...jobs.values()].flat().every(({ stalledSince }) => stalledSince !== null)) return
    const stalled = { stalledSince: now(), stallReason: `${reason} ${REASONS.RETRIED}` }
    await db.writeInBackground((sql) => sql.update('Job', stalled, { connectionId: id, stalledSince: null }))
    announce()
  }
}

/** What a question leads to that is no reason to give up a pass; undefined where the cloud does not answer it. */
const ifAnswered = <Read, T>(asked: Promise<Read>, then: (read: Read) => T): Promise<T | undefined> =>
  asked.then(then, (error: unknown) => {
    if (!(error instanceof CloudFault)) throw error
    return undefined
  })

const isAfter = (at: Date | null, other: Date | null) => at !== null && (other === null || at > other)

function* parts<T>(all: readonly T[], size = ROWS_AT_ONCE): Generator<T[]> {
  for (let from = 0; from < all.length; from += size) yield all.slice(from, from + size)
}
