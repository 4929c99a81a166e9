import { randomUUID } from 'node:crypto'
import { logFault } from '../database/log-fault.ts'
import type { Sql, Work } from '../database/work.ts'
import { Prisma } from '../generated/prisma/client.ts'
import type { Clock } from '../services/clock.ts'
import { forgetUpstream } from '../services/upstream-rows.ts'
import { wakeable } from '../transitions/wakeable.ts'
import { CloudWatch, WatchLost, type CloudWatchOptions } from './cloud-watch.ts'

export interface CloudPollerOptions extends CloudWatchOptions {
  /** The time that leases are compared with. */
  leaseNow: Clock
}

/** How often every connection is looked after, in milliseconds. */
const ROUND_MS = 1_000

/** How long a gateway has a connection, in milliseconds. It renews that when half of it has passed. */
const LEASE_MS = 60_000

interface Held {
  watch: CloudWatch
  /** Until when the lease is good, by the clock of leases. */
  until: Date
  looking: Promise<void> | undefined
  comparing: Promise<void> | undefined
  /** Wakes the poller between two of its rounds, when something is due. */
  timer: NodeJS.Timeout | undefined
}

/**
 * Watches the connections to clouds. Each has one watch, in one of the gateways: the one that has its lease. When that ends
 * without giving it back, another takes over after a minute at most.
 */
export class CloudPoller implements AsyncDisposable {
  readonly #options: CloudPollerOptions
  readonly #owner = randomUUID()
  readonly #held = new Map<string, Held>()
  /** When another gateway's lease runs out, as it was last read: it is not asked for before. */
  readonly #others = new Map<string, Date>()
  readonly #stopping = new AbortController()
  readonly #looking = wakeable(
    () => this.#look(false),
    (error) => logFault(this.#options.log, error, 'connections to clouds could not be watched'),
  )
  #timer: NodeJS.Timeout | undefined

  constructor(options: CloudPollerOptions) {
    this.#options = options
  }

  /** There may be something to ask of a cloud. Returns at once. */
  wake(): void {
    if (this.#timer && !this.#stopping.signal.aborted) this.#looking.wake()
  }

  /** From now on does what is due, when it is due. */
  start(): void {
    this.#timer ??= setInterval(() => this.wake(), ROUND_MS)
    this.#looking.wake()
  }

  /** Does everything once, due or not, and waits for the end: for tests, which then need not wait for time. */
  async tick(): Promise<void> {
    await this.#look(true)
    await this.#idle()
  }

  /** Stops, and gives the connections to other gateways. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping.abort(new Error('The gateway is stopping.'))
    clearInterval(this.#timer)
    for (const { timer } of this.#held.values()) clearTimeout(timer)
    await this.#looking.running
    await this.#idle()
    if (this.#held.size === 0) return
    const { db, log } = this.#options
    // Where the database is gone, the leases run out.
    await db
      .write((sql) =>
        sql.update('Connection', { pollOwner: null, pollUntil: null }, { pollOwner: this.#owner }),
      )
      .catch((error: unknown) => logFault(log, error, 'connections could not be given back'))
  }

  /** When no watch is doing anything: none of them rejects. */
  async #idle(): Promise<void> {
    const inProgress = [...this.#held.values()].flatMap(({ looking, comparing }) => [
      looking ?? [],
      comparing ?? [],
    ])
    await Promise.all(inProgress.flat())
  }

  async #look(all: boolean): Promise<void> {
    const { db, clouds, log } = this.#options
    const ids = db.reader.all<{ id: string }>(Prisma.sql`SELECT "id" FROM "Connection"`).map(({ id }) => id)
    await this.#forgetOrphans(new Set(ids))
    for (const id of ids) {
      if (this.#stopping.signal.aborted) return
      const held = await this.#have(id).catch((error: unknown) => {
        logFault(log, error, 'a connection to a cloud could not be claimed', { connectionId: id })
        return undefined
      })
      if (held) this.#work(id, held, all)
    }
    clouds.keep(new Set(ids))
  }

  /** Starts what is not in progress. A comparison with the cloud can take long, and what is in progress is not to wait for it. */
  #work(id: string, held: Held, all: boolean): void {
    const { watch } = held
    const { signal } = this.#stopping
    const guarded = (work: Promise<unknown>) =>
      work.then(
        () => undefined,
        (error: unknown) => this.#failed(id, error),
      )
    if (all) {
      held.looking ??= guarded(
        watch.look(signal, true).then((isAnswered) => isAnswered && watch.compare(signal, true)),
      ).finally(() => (held.looking = undefined))
      return
    }
    held.looking ??= guarded(watch.look(signal)).finally(() => {
      held.looking = undefined
      this.#comeBack(held)
    })
    held.comparing ??= guarded(watch.compare(signal)).finally(() => (held.comparing = undefined))
  }

  /** Looks again before the next round when something is due earlier. */
  #comeBack(held: Held): void {
    clearTimeout(held.timer)
    const ms = (held.watch.dueAt ?? Infinity) - this.#options.steadyMs()
    if (ms < ROUND_MS && !this.#stopping.signal.aborted)
      held.timer = setTimeout(() => this.wake(), Math.max(0, ms))
  }

  #failed(connectionId: string, error: unknown): void {
    if (this.#stopping.signal.aborted) return
    if (error instanceof WatchLost) this.#held.delete(connectionId)
    else logFault(this.#options.log, error, 'a connection to a cloud could not be watched', { connectionId })
  }

  /** The watch of a connection, with a lease that is good for a while; undefined where another gateway has it. */
  async #have(id: string): Promise<Held | undefined> {
    const { db, leaseNow } = this.#options
    const at = leaseNow()
    const known = this.#held.get(id)
    if (known && known.until.getTime() - at.getTime() > LEASE_MS / 2 && isSane(known.until, at)) return known
    const other = this.#others.get(id)
    if (other && other > at && isSane(other, at)) return undefined
    const until = new Date(at.getTime() + LEASE_MS)
    const [owner, others] = [this.#owner, this.#others]
    const isOurs = await db.writeInBackground(function* (sql): Work<boolean> {
      const row = yield* sql.lock('Connection', { id }, { skipLocked: true })
      if (!row) return false
      const { pollOwner, pollUntil } = row
      if (pollOwner !== owner && pollUntil && pollUntil > at && isSane(pollUntil, at)) {
        others.set(id, pollUntil)
        return false
      }
      yield* sql.update('Connection', { pollOwner: owner, pollUntil: until }, { id })
      return true
    })
    if (!isOurs) {
      this.#held.delete(id)
      return undefined
    }
    const held = known ?? {
      watch: new CloudWatch(id, (sql) => this.#confirm(sql, id), this.#options),
      until,
      looking: undefined,
      comparing: undefined,
      timer: undefined,
    }
    held.until = until
    this.#held.set(id, held)
    return held
  }

  /** What a watch writes is conditional on its lease: one that comes back late changes nothing. */
  *#confirm(sql: Sql, id: string): Work<void> {
    if (!(yield* sql.lock('Connection', { id, pollOwner: this.#owner }))) throw new WatchLost()
  }

  /** What belongs to connections whose deletion was cut off. */
  #cleaned: ReadonlySet<string> | undefined
  async #forgetOrphans(ids: ReadonlySet<string>): Promise<void> {
    if (this.#cleaned && [...this.#cleaned].every((id) => ids.has(id))) {
      this.#cleaned = ids
      return
    }
    const { db, now } = this.#options
    const owners = db.reader.all<{ id: string }>(
      Prisma.sql`SELECT DISTINCT "connectionId" AS "id" FROM "Disk" WHERE "connectionId" IS NOT NULL
        UNION SELECT DISTINCT "connectionId" FROM "Snapshot" WHERE "connectionId" IS NOT NULL
        UNION SELECT DISTINCT "connectionId" FROM "Job" WHERE "connectionId" IS NOT NULL`,
    )
    for (const { id } of owners) {
      // The replica may lack a connection that is new.
      if (!ids.has(id) && (await db.connection.count({ where: { id } })) === 0)
        await forgetUpstream(db, id, now())
    }
    this.#cleaned = ids
  }
}

/** No lease ends later than this: what claims to was written before the clock was set back. */
const isSane = (until: Date, at: Date) => until.getTime() - at.getTime() <= 2 * LEASE_MS
