import { randomUUID } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import type { Logger } from 'pino'
import { reason as reasonFor, REASONS } from '../domain/reasons.ts'
import type { Database } from '../database/database.ts'
import { logFault } from '../database/log-fault.ts'
import type { Sql, Work } from '../database/work.ts'
import type { Provider } from '../domain/connection.ts'
import { connectionRefusals, snapshotRefusals } from '../domain/create-snapshot.ts'
import { SNAPSHOT_QUOTA } from '../domain/quota.ts'
import type { Refusal } from '../domain/refusal.ts'
import { ConnectionUnavailable, UpstreamRefused } from '../domain/refusals.ts'
import { upstreamReason, type UpstreamRefusal } from '../domain/upstream.ts'
import { Prisma, type Disk, type Job, type Snapshot } from '../generated/prisma/client.ts'
import type { CloudRefusal, SeenDisk } from '../providers/cloud/cloud.ts'
import { createOnce } from '../providers/cloud/create-once.ts'
import { SecretError } from '../providers/cloud/credentials.ts'
import { CloudFault } from '../providers/cloud/faults.ts'
import { appendSeenTransitions, factsOf } from '../transitions/append.ts'
import { recordEnd } from './activity.ts'
import type { Clock, NewId } from './clock.ts'
import type { Clouds } from './clouds.ts'
import { stateAfter, type ShownConnection } from './connections.ts'
import { diskOf } from './snapshot-deletion.ts'
import { takeSnapshot, writeDisk, type Seeing } from './upstream-rows.ts'

export interface CloudJobsOptions {
  db: Database
  clouds: Clouds
  /** Called after a commit that appended transitions or changed jobs. */
  announce: () => void
  /** How long a call that creates a snapshot waits for the cloud's answer, in milliseconds. */
  answerMs: number
  log: Logger
  now: Clock
  newId: NewId
}

/** How long a request may take with all that belongs to it, in milliseconds. */
const WORK_MS = 45_000
/** How long a claim holds, in milliseconds: until after everything that was done under it has ended. */
const LEASE_MS = 2 * WORK_MS
/** No lease and no retry is further away: what claims to be was written before the clock was set back. */
const FURTHEST_AHEAD_MS = 15 * 60_000
/** How long a change of a name may take at least, in milliseconds: it is made in the call that asks for it. */
const RENAME_MS = 5_000
/** How often it is looked for what a request has made whose answer was lost, in milliseconds. */
const LOOK_AGAIN_MS = 5_000

type Claimed = Job & { snapshot: Snapshot; disk: Disk | null }

/** What an attempt has led to: the refusal of the cloud, or nothing that the caller would have to be told. */
type Told = Refusal | undefined

/**
 * Asks clouds for what was accepted here: to create and delete snapshots. A job is worked on under a lease, by the gateway that
 * accepted it or the one that watches the connection. That the cloud accepts a request is not its end: that is what reading the
 * snapshot shows, and the job stays until then.
 */
export class CloudJobs implements AsyncDisposable {
  readonly #options: CloudJobsOptions
  readonly #owner = randomUUID()
  readonly #stopping = new AbortController()
  readonly #working = new Set<Promise<Told>>()

  constructor(options: CloudJobsOptions) {
    this.#options = options
  }

  /**
   * Has the cloud create a snapshot that was just accepted. Returns its refusal if it comes in time; undefined when it has
   * accepted the snapshot, or has not answered yet: the work goes on.
   */
  async submitted({ id, connectionId }: Pick<Snapshot, 'id' | 'connectionId'>): Promise<Told> {
    if (connectionId === null) return undefined
    const { db, answerMs } = this.#options
    const job = await db.job.findFirst({ where: { snapshotId: id, kind: 'COPY_SNAPSHOT' } })
    const connection = await db.connection.findUnique({ where: { id: connectionId } })
    if (!job || !connection) return undefined
    const late = new AbortController()
    const work = this.#start(job, connection, true)
    const told = await Promise.race([work, pause(answerMs, undefined, { signal: late.signal })]).catch(
      () => undefined,
    )
    late.abort()
    return told ?? undefined
  }

  /**
   * Has the cloud rename a snapshot, which can be repeated. Returns its refusal, or that it could not be asked or did not answer
   * in time; undefined when it has done so.
   */
  async renamed(
    { id, connectionId, externalId, origin }: Snapshot,
    change: { name?: string; description?: string },
  ): Promise<Refusal | undefined> {
    if (connectionId === null || externalId === null) return undefined
    const { db, clouds, answerMs, now } = this.#options
    const connection = await db.connection.findUnique({ where: { id: connectionId } })
    if (!connection) return undefined
    const [unusable] = connectionRefusals(connection)
    if (unusable) return unusable
    const mark = origin === 'GATEWAY' ? id : null
    const request = { verb: 'changeSnapshot', snapshotId: externalId, ...change, mark } as const
    const signal = AbortSignal.any([
      this.#stopping.signal,
      AbortSignal.timeout(Math.max(answerMs, RENAME_MS)),
    ])
    try {
      const answer = await clouds.of(connection, 'WRITE').submit(request, signal)
      return answer.outcome === 'refused' ? new UpstreamRefused(shownRefusal(answer), id) : undefined
    } catch (error) {
      const { state } = stateAfter(error)
      return new ConnectionUnavailable({ id: connectionId, state, stateSince: now() })
    }
  }

  /** Asks for all that a connection is to be asked for now, the oldest first; whether the cloud answered. */
  async workOn(connection: ShownConnection): Promise<boolean> {
    const due = this.#options.db.reader
      .all<Job>(
        Prisma.sql`SELECT j.* FROM "Job" j JOIN "Snapshot" s ON s."id" = j."snapshotId"
          WHERE j."connectionId" = ${connection.id}
            AND ((j."kind" = 'COPY_SNAPSHOT' AND s."externalId" IS NULL) OR (j."kind" = 'DELETE_SNAPSHOT' AND j."sentAt" IS NULL))
          ORDER BY j."id" LIMIT 100`,
      )
      .filter((job) => this.#isDue(job))
    for (const job of due) {
      if (this.#stopping.signal.aborted) return false
      const before = this.#failed
      await this.#start(job, connection)
      if (this.#failed !== before) return false
    }
    return true
  }

  /** How many attempts had no answer of the cloud to go by. */
  #failed = 0

  /** Stops what is in progress; it goes on in another process, or after the next start. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping.abort(new Error('The gateway is stopping.'))
    await Promise.allSettled(this.#working)
  }

  #isDue({ leaseUntil, retryAt }: Job): boolean {
    const now = this.#options.now().getTime()
    const isPast = (at: Date | null) =>
      at === null || at.getTime() <= now || at.getTime() > now + FURTHEST_AHEAD_MS
    return isPast(leaseUntil) && isPast(retryAt)
  }

  #start(job: Job, connection: ShownConnection, isFirst = false): Promise<Told> {
    const work = this.#work(job, connection, isFirst).finally(() => this.#working.delete(work))
    this.#working.add(work)
    return work
  }

  async #work({ id }: Job, connection: ShownConnection, isFirst: boolean): Promise<Told> {
    const { announce, log } = this.#options
    const job = await this.#take(id, isFirst)
    if (!job) return undefined
    try {
      return await (job.kind === 'COPY_SNAPSHOT'
        ? this.#create(job, connection)
        : this.#delete(job, connection))
    } catch (error) {
      this.#failed++
      await this.#stall(job, error).catch((fault: unknown) =>
        logFault(log, fault, 'a job could not be put off'),
      )
      return undefined
    } finally {
      announce()
    }
  }

  /** The job with its lease, and what it is about; undefined where it is another's, or no longer there. */
  async #take(id: number, isFirst: boolean): Promise<Claimed | undefined> {
    const { db } = this.#options
    const lease = { leaseOwner: this.#owner, leaseUntil: this.#inFuture(LEASE_MS) }
    // The first attempt is that of the call which has accepted the job.
    const isDue = (job: Job) => this.#isDue(isFirst && job.attempts === 0 ? { ...job, retryAt: null } : job)
    return db.write(function* (sql): Work<Claimed | undefined> {
      const job = yield* sql.lock('Job', { id }, { skipLocked: true })
      if (!job || job.snapshotId === null || !isDue(job)) return undefined
      const snapshot = yield* sql.get('Snapshot', { id: job.snapshotId })
      if (!snapshot) return undefined
      yield* sql.update('Job', { ...lease, attempts: job.attempts + 1 }, { id })
      const disk = job.diskId === null ? undefined : yield* sql.get('Disk', { id: job.diskId })
      return { ...job, ...lease, attempts: job.attempts + 1, snapshot, disk: disk ?? null }
    })
  }

  async #create(job: Claimed, connection: ShownConnection): Promise<Told> {
    const { clouds, log, now } = this.#options
    const { snapshot, disk } = job
    if (snapshot.externalId !== null) return this.#release(job, {})
    const { id, name, description, diskKind: kind, upstreamDiskId } = snapshot
    const externalId = disk?.externalId ?? upstreamDiskId
    if (externalId === null) throw new Error(`Snapshot ${id} has no disk in its cloud.`)
    const cloud = clouds.of(connection, 'WRITE')
    const signal = this.#signal()
    const creation = await createOnce(
      cloud,
      {
        verb: 'createSnapshot',
        disk: { externalId, kind, instanceId: disk?.instanceId ?? null },
        ...{ name, description, mark: id, token: `snapgate-${id}` },
      },
      { sentAt: job.sentAt, note: (sentAt) => this.#note(job, sentAt) },
      { now, signal },
    )
    if (creation.outcome === 'unclear') {
      const again = Math.min(creation.until.getTime(), now().getTime() + LOOK_AGAIN_MS)
      await this.#stalled(job, ANSWER_LOST, new Date(again))
      return undefined
    }
    if (creation.outcome === 'accepted') {
      const others = creation.others.map((other) => other.externalId)
      const facts = { snapshotId: id, externalId: creation.externalId, others }
      // They are shown as made outside: nothing tells whether somebody wants them.
      if (others.length > 0) log.warn(facts, 'a cloud has several snapshots for one request')
      return this.#accepted(job, creation.externalId)
    }
    const seen = await cloud.readDisk(externalId, signal).catch(() => undefined)
    return this.#refused(job, creation, connection, seen)
  }

  /** The cloud makes the snapshot: from here on it is watched. */
  async #accepted(job: Claimed, externalId: string): Promise<undefined> {
    const { db, now } = this.#options
    const held = this.#held(job)
    const { id, accountId, connectionId } = job.snapshot
    await db.write(function* (sql) {
      if ((yield* sql.update('Job', { ...NO_LEASE, ...NO_STALL }, held)) === 0) return
      // Somebody may have seen it in between, and not recognised it as this one.
      const other = yield* sql.lock('Snapshot', { connectionId, externalId, id: { not: id } })
      if (other) yield* takeSnapshot(sql, other, [], now(), reasonFor('OTHER_SNAPSHOT', { snapshot: id }))
      yield* sql.update('Snapshot', { externalId }, { id, accountId })
    })
    return undefined
  }

  /** The cloud does not make the snapshot, and has not made it before. */
  async #refused(
    job: Claimed,
    refusal: CloudRefusal,
    connection: ShownConnection,
    disk: SeenDisk | undefined,
  ): Promise<Refusal> {
    const { db, now, newId } = this.#options
    const held = this.#held(job)
    const { snapshot } = job
    const { id, accountId } = snapshot
    const [at, reason] = [now(), upstreamReason(refusal)]
    const provider = snapshot.provider as Provider
    const seeing: Seeing = { connection: { ...connection, provider }, at, newId }
    await db.write(function* (sql) {
      if ((yield* sql.delete('Job', held)) === 0) return
      yield* recordEnd(sql, job, { result: 'FAILED', reason, at })
      if (disk) yield* writeDisk(sql, seeing, disk)
      const failed = { status: 'FAILED', failureReason: reason, consistency: null, completedAt: at } as const
      yield* sql.update('Snapshot', failed, { id, accountId })
      const of = { ...factsOf(snapshot), diskId: yield* diskOf(sql, snapshot) }
      yield* appendSeenTransitions(sql, { ...of, from: 'CREATING', to: 'FAILED', reason, at })
    })
    // What our own rule says of the disk as it is now is the better answer.
    const [state] =
      refusal.class === 'STATE' && disk ? snapshotRefusals(disk, snapshot.type, 0, SNAPSHOT_QUOTA) : []
    return state ?? new UpstreamRefused(shownRefusal(refusal), id)
  }

  async #delete(job: Claimed, connection: ShownConnection): Promise<undefined> {
    const { clouds, db, now } = this.#options
    const { snapshot } = job
    const held = this.#held(job)
    if (snapshot.externalId === null) {
      // The cloud never made it.
      await db.write(function* (sql) {
        if ((yield* sql.lock('Job', held)) === undefined) return
        yield* takeSnapshot(sql, snapshot, [job], now(), '')
      })
      return undefined
    }
    const cloud = clouds.of(connection, 'WRITE')
    const request = { verb: 'deleteSnapshot', snapshotId: snapshot.externalId } as const
    const answer = await cloud.submit(request, this.#signal()).catch((error: unknown) => {
      // It may have been done: reading the snapshot will tell.
      if (error instanceof CloudFault && error.class === 'UNCLEAR') return undefined
      throw error
    })
    if (answer?.outcome !== 'refused' || answer.class === 'MISSING')
      return this.#release(job, { ...NO_STALL, sentAt: now() })
    const reason = `${REASONS.NOT_DELETED} ${upstreamReason(answer)}`
    await db.write(function* (sql) {
      if ((yield* sql.delete('Job', held)) === 0) return
      yield* recordEnd(sql, job, { result: 'FAILED', reason, at: now() })
      yield* takeBack(sql, snapshot, reason, now())
    })
    return undefined
  }

  /** Keeps durably when the request was sent; rejects where the job is another's by now. */
  async #note(job: Claimed, sentAt: Date | null): Promise<void> {
    const held = this.#held(job)
    const notes = await this.#options.db.write((sql) => sql.update('Job', { sentAt }, held))
    if (notes === 0) throw new Error('The lease was lost.')
  }

  /** Gives the lease back. */
  async #release(job: Claimed, changes: Partial<Job>): Promise<undefined> {
    const held = this.#held(job)
    await this.#options.db.write((sql) => sql.update('Job', { ...NO_LEASE, ...changes }, held))
    return undefined
  }

  /** Puts the job off after a fault, and says since when and why. Nothing fails because a cloud cannot be asked. */
  async #stall(job: Claimed, error: unknown): Promise<void> {
    const { log } = this.#options
    // It goes on elsewhere at once.
    if (this.#stopping.signal.aborted) return this.#release(job, { retryAt: null })
    const known = error instanceof CloudFault || error instanceof SecretError
    const facts = { jobId: job.id, kind: job.kind, snapshotId: job.snapshotId, attempts: job.attempts }
    if (known) log.warn({ ...facts, reason: error.message }, 'a cloud could not be asked')
    else logFault(log, error, 'a job in a cloud failed, will be retried', facts)
    const retryAfterMs = error instanceof CloudFault ? (error.retryAfterMs ?? 0) : 0
    const backOffMs = Math.min(60_000, 1_000 * 2 ** Math.max(0, job.attempts - 1)) * (1 - Math.random() / 4)
    const reason = known ? error.message : REASONS.TRANSIENT_FAULT
    await this.#stalled(
      job,
      `${reason} ${REASONS.RETRIED}`,
      this.#inFuture(Math.max(retryAfterMs, backOffMs)),
    )
  }

  async #stalled(job: Claimed, stallReason: string, retryAt: Date): Promise<void> {
    const stalledSince = job.stalledSince ?? this.#options.now()
    await this.#release(job, { stalledSince, stallReason, retryAt })
  }

  #held({ id }: Job) {
    return { id, leaseOwner: this.#owner }
  }

  #signal(): AbortSignal {
    return AbortSignal.any([this.#stopping.signal, AbortSignal.timeout(WORK_MS)])
  }

  #inFuture(ms: number): Date {
    return new Date(this.#options.now().getTime() + ms)
  }
}

const NO_LEASE = { leaseOwner: null, leaseUntil: null }
const NO_STALL = { retryAt: null, stalledSince: null, stallReason: null }
const ANSWER_LOST = REASONS.ANSWER_LOST

/** Ends a deletion with the snapshot in the status that it had before. */
function* takeBack(sql: Sql, { id: snapshotId, accountId }: Snapshot, reason: string, at: Date): Work<void> {
  const snapshot = yield* sql.lock('Snapshot', { id: snapshotId, accountId, status: 'DELETING' })
  const begun = yield* sql.get(
    'SnapshotTransition',
    { snapshotId, from: { not: 'DELETING' }, to: 'DELETING' },
    { orderBy: { position: 'desc' } },
  )
  if (!snapshot || !begun?.from) return
  yield* sql.update('Snapshot', { status: begun.from, evicted: false }, { id: snapshotId, accountId })
  const of = { ...factsOf(snapshot), diskId: yield* diskOf(sql, snapshot) }
  yield* appendSeenTransitions(sql, { ...of, from: 'DELETING', to: begun.from, reason, at })
}

/** A refusal of a cloud as clients see it. */
function shownRefusal(refusal: CloudRefusal): UpstreamRefusal {
  const { class: kind, code, message, requestId } = refusal
  return { class: kind === 'TOKEN' || kind === 'NOT_OFFERED' ? 'OTHER' : kind, code, message, requestId }
}
