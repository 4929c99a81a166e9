import { isSettled } from '../domain/lifecycle.ts'
import type { Interest } from './interest.ts'
import {
  CursorExpired,
  PAGE,
  type LogPage,
  type Transition,
  type TransitionLog,
  type TransitionScope,
} from './log.ts'

/** The most that is kept of the log, and of what was made of it, in bytes. */
const KEPT_BYTES = 32 * 1024 ** 2
/** What a row costs in memory, its reason left out. */
const ROW_BYTES = 400

/** A page of the log, with what was made of it for those who read it. */
export class HistoryPage implements LogPage {
  readonly transitions: readonly Transition[]
  readonly through: number
  /** Told of every growth, in bytes, for as long as the page is kept. */
  onGrowth: ((bytes: number) => void) | undefined
  bytes: number
  readonly #parts = new Map<string, unknown>()

  constructor({ transitions, through }: LogPage) {
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
 * `KEPT_BYTES`. What has been committed never changes, so a page is never out of date.
 */
export class History {
  readonly #log: TransitionLog
  readonly #kept = new Map<string, HistoryPage>()
  readonly #reading = new Map<string, Promise<HistoryPage>>()
  #bytes = 0

  constructor(log: TransitionLog) {
    this.#log = log
  }

  /** As `page` of the log, which throws CursorExpired; it may end before a page is full. */
  async page(scope: TransitionScope, after: number, through: number): Promise<HistoryPage> {
    const place = `${scope.accountId} ${scope.snapshotId ?? ''} ${after}`
    const known = this.#kept.get(place)
    if (known) {
      this.#kept.delete(place)
      this.#kept.set(place, known)
      return known
    }
    const key = `${place} ${through}`
    const reading = this.#reading.get(key) ?? this.#read(scope, after, through, place)
    this.#reading.set(key, reading)
    return reading.finally(() => this.#reading.delete(key))
  }

  async #read(scope: TransitionScope, after: number, through: number, place: string): Promise<HistoryPage> {
    const read = await this.#log.page(scope, after, through)
    if (read.transitions.length < PAGE) return new HistoryPage(read)
    const page = new HistoryPage(upToBoundary(read, after))
    this.#kept.set(place, page)
    page.onGrowth = (bytes) => this.#grow(bytes)
    this.#grow(page.bytes)
    return page
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

/** Ends a page at a number that the pages of others end at too, wherever they began. */
function upToBoundary(page: LogPage, after: number): LogPage {
  const boundary = page.through - (page.through % PAGE)
  if (boundary <= after) return page
  return { transitions: page.transitions.filter(({ sequence }) => sequence <= boundary), through: boundary }
}

export interface ReplayOptions {
  log: TransitionLog
  history: History
  /** How far the hub has read. */
  position: () => number
  interest: Interest
  after: number
  /** For the stream of one snapshot, which ends with it: its last transition when the stream was opened. */
  latest?: Transition | undefined
}

/** What a stream has to read before it goes live, at the pace of its consumer. */
export class Replay {
  /** Everything up to this number has been read. */
  seen: number
  readonly #options: ReplayOptions
  readonly #target: number
  #last: Transition | undefined

  constructor(options: ReplayOptions) {
    this.#options = options
    this.seen = options.after
    this.#last = options.latest
    this.#target = options.latest?.sequence ?? 0
  }

  /** Whether everything has been read that the hub has: true until the end of this turn of the event loop. */
  get isCaughtUp(): boolean {
    return this.seen >= this.#through
  }

  get #through(): number {
    return Math.max(this.#options.position(), this.#target)
  }

  /** The next page, with more than is wanted of it. Throws CursorExpired when it has been pruned. */
  async next(): Promise<HistoryPage> {
    const { log, history, interest, latest } = this.#options
    const { accountId, snapshotIds } = interest
    const { seen } = this
    const through = this.#through
    let page: HistoryPage
    if (latest) {
      const { snapshotId } = latest
      const transitions = await log.life({ accountId, snapshotId }, seen, through)
      const reached = transitions.at(-1)
      if (seen < latest.sequence && (reached?.sequence ?? 0) < latest.sequence) throw new CursorExpired()
      this.#last = reached ?? this.#last
      page = new HistoryPage({ transitions, through })
    } else {
      const snapshotId = snapshotIds?.length === 1 ? snapshotIds[0] : undefined
      page = await history.page({ accountId, snapshotId }, seen, through)
    }
    this.seen = page.through
    return page
  }

  /** Whether the snapshot that the stream is of, if it is of one, had settled when all of this had happened. */
  get isOver(): boolean {
    const last = this.#last
    return last !== undefined && last.sequence <= this.seen && isSettled(last.to)
  }
}
