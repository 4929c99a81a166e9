import { setImmediate } from 'node:timers/promises'
import type { Interest } from './interest.ts'
import {
  CursorExpired,
  PAGE,
  type AnyTransition,
  type LogPage,
  type TransitionLog,
  type TransitionScope,
} from './log.ts'

/** The most that is kept of the log, and of what was made of it, in bytes. */
const KEPT_BYTES = 32 * 1024 ** 2
/** What a row costs in memory, its reason left out. */
const ROW_BYTES = 400

/** A page of the log, with what was made of it for those who read it. */
export class HistoryPage<T extends AnyTransition = AnyTransition> implements LogPage<T> {
  readonly transitions: readonly T[]
  readonly through: number
  /** Told of every growth, in bytes, for as long as the page is kept. */
  onGrowth: ((bytes: number) => void) | undefined
  bytes: number
  readonly #parts = new Map<string, unknown>()

  constructor({ transitions, through }: LogPage<T>) {
    this.transitions = transitions
    this.through = through
    this.bytes = transitions.reduce((sum, { reason }) => sum + ROW_BYTES + 2 * (reason?.length ?? 0), 0)
  }

  /** What is made of the page, once for each key; `make` also says how many bytes that is. */
  part<Part>(key: string, make: () => { part: Part; bytes: number }): Part {
    const known = this.#parts.get(key)
    if (known !== undefined) return known as Part
    const { part, bytes } = make()
    this.#parts.set(key, part)
    this.bytes += bytes + key.length
    this.onGrowth?.(bytes + key.length)
    return part
  }
}

/**
 * The log as those read it who catch up. After a restart or a broken network many do so at once, and most read the
 * same: pages begin and end at the same places for all of them, are read once, and the latest used are kept, up to
 * `KEPT_BYTES`. What has been committed never changes, so a page is never out of date, unless the database is restored.
 */
export class History<T extends AnyTransition = AnyTransition> {
  readonly #log: TransitionLog<T>
  readonly #kept = new Map<string, HistoryPage<T>>()
  #bytes = 0

  constructor(log: TransitionLog<T>) {
    this.#log = log
  }

  /** As `page` of the log, which throws CursorExpired; it may end before a page is full. */
  page(scope: TransitionScope, after: number, through: number): HistoryPage<T> {
    const place = [scope.accountId, scope.snapshotId, scope.diskId, after].join(' ')
    const known = this.#kept.get(place)
    if (known) {
      this.#kept.delete(place)
      this.#kept.set(place, known)
      return known
    }
    return this.#read(scope, after, through, place)
  }

  #read(scope: TransitionScope, after: number, through: number, place: string): HistoryPage<T> {
    const read = this.#log.page(scope, after, through)
    if (read.transitions.length < PAGE) return new HistoryPage(read)
    const page = new HistoryPage(upToBoundary(read, after))
    this.#kept.set(place, page)
    page.onGrowth = (bytes) => this.#grow(bytes)
    this.#grow(page.bytes)
    return page
  }

  /** Forgets everything: the log does not continue from what was read. */
  clear(): void {
    for (const page of this.#kept.values()) page.onGrowth = undefined
    this.#kept.clear()
    this.#bytes = 0
  }

  #grow(bytes: number): void {
    this.#bytes += bytes
    for (const [place, page] of this.#kept) {
      if (this.#bytes <= KEPT_BYTES) return
      this.#kept.delete(place)
      this.#bytes -= page.bytes
      page.onGrowth = undefined
    }
  }
}

/** Ends a page at a position that the pages of others end at too, wherever they began. */
function upToBoundary<T extends AnyTransition>(page: LogPage<T>, after: number): LogPage<T> {
  const boundary = page.through - (page.through % PAGE)
  if (boundary <= after) return page
  return { transitions: page.transitions.filter(({ position }) => position <= boundary), through: boundary }
}

export interface ReplayOptions<T extends AnyTransition> {
  log: TransitionLog<T>
  history: History<T>
  /** How far the hub has read. */
  position: () => number
  interest: Interest
  after: number
  /** For the stream of one thing, which ends with it: its last transition when the stream was opened. */
  latest?: T | undefined
}

/** What a stream has to read before it goes live, at the pace of its consumer. */
export class Replay<T extends AnyTransition> {
  /** Everything up to this position has been read. */
  seen: number
  readonly #options: ReplayOptions<T>
  readonly #target: number

  constructor(options: ReplayOptions<T>) {
    this.#options = options
    this.seen = options.after
    this.#target = options.latest?.position ?? 0
  }

  /** Whether everything has been read that the hub has: true until the end of this turn of the event loop. */
  get isCaughtUp(): boolean {
    return this.seen >= this.#through
  }

  get #through(): number {
    return Math.max(this.#options.position(), this.#target)
  }

  /** The next page, with more than is wanted of it, after a turn of the event loop. Throws CursorExpired when it has been pruned. */
  async next(): Promise<HistoryPage<T>> {
    await setImmediate()
    const { log, history, interest, latest } = this.#options
    const { accountId, snapshotIds, diskIds } = interest
    const { seen } = this
    const through = this.#through
    let page: HistoryPage<T>
    if (latest) {
      const { snapshotId, diskId, position } = latest
      page = new HistoryPage(log.life({ accountId, snapshotId, diskId }, seen, through))
      const isThere = page.transitions.some((transition) => transition.position === position)
      if (seen < position && page.through >= position && !isThere) throw new CursorExpired()
    } else {
      const scope = { accountId, snapshotId: only(snapshotIds), diskId: only(diskIds) }
      page = history.page(scope, seen, through)
    }
    this.seen = page.through
    return page
  }

  /** Whether nothing is in flight with the one thing that the stream is of, if it is of one. */
  get isOver(): boolean {
    const { log, latest } = this.#options
    return latest !== undefined && log.stage(latest, this.seen) === 'OVER'
  }
}

function only(ids: readonly string[] | undefined): string | undefined {
  return ids?.length === 1 ? ids[0] : undefined
}
