import { PAGE, type LogPage, type TransitionLog } from './log.ts'
import type { AnyTransition, TransitionScope } from './transition.ts'

/** The most that is kept of the log, and of what was made of it, in bytes. */
const KEPT_BYTES = 32 * 1024 ** 2
/** What a row costs in memory, its reason and tags left out. */
const ROW_BYTES = 400

/** A page of the log, with what its readers have made of it. */
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
    this.bytes = transitions.reduce((sum, one) => sum + ROW_BYTES + 2 * textsOf(one), 0)
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
 * The log, for streams that catch up. After a restart or a network failure many do so at once, and most read the same
 * part: pages begin and end at the same places for all of them, are read once, and the most recently used are kept, up to
 * `KEPT_BYTES`. Committed rows never change, so a page is never out of date, unless the database is restored.
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

/** How many characters the texts of a row have that may be long. */
function textsOf(transition: AnyTransition): number {
  const tags = transition.snapshotId === undefined ? null : transition.snapshotTags
  return (transition.reason?.length ?? 0) + (transition.actor?.length ?? 0) + (tags?.length ?? 0)
}

/** Ends a page at a position that does not depend on where it began. */
function upToBoundary<T extends AnyTransition>(page: LogPage<T>, after: number): LogPage<T> {
  const boundary = page.through - (page.through % PAGE)
  if (boundary <= after) return page
  return { transitions: page.transitions.filter(({ position }) => position <= boundary), through: boundary }
}
