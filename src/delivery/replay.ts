import { setImmediate } from 'node:timers/promises'
import { CursorExpired } from '../transitions/cursor.ts'
import { HistoryPage, type History } from '../transitions/history.ts'
import { concerns, interestKey, type Interest } from '../transitions/interest.ts'
import type { TransitionLog } from '../transitions/log.ts'
import type { AnyTransition } from '../transitions/transition.ts'
import { batchesOf, type Batch } from './batch.ts'
import { executeAll, TOGETHER, type Executor } from './executor.ts'
import type { Seat } from './member.ts'
import type { Rounds } from './rounds.ts'

/** What a batch costs in memory beside its payloads, and how often those are kept, as frames of the transports. */
const BATCH_BYTES = 500
const FORMS = 3

export interface ReplayOptions {
  log: TransitionLog<AnyTransition>
  history: History
  rounds: Rounds
  /** How far the log has been read. */
  position: () => number
  /** The selection's key and executor. */
  key: string
  executor: Executor
  /** Told how many executions the replay takes. */
  onExecuted: (count: number) => void
}

/** What a stream sends before it goes live, at the pace of its client. */
export class Replay {
  /** Everything up to this position has been read. */
  seen: number
  readonly #options: ReplayOptions
  readonly #interest: Interest
  readonly #latest: AnyTransition | undefined

  constructor(options: ReplayOptions, { interest, after, latest }: Seat) {
    this.#options = options
    this.#interest = interest
    this.#latest = latest
    this.seen = after
  }

  /** Whether everything has been read that the hub has: true until the end of this turn of the event loop. */
  get isCaughtUp(): boolean {
    return this.seen >= this.#through
  }

  /** Whether the stream is of one snapshot or disk, and nothing is in flight with it. */
  get isOver(): boolean {
    return this.#latest !== undefined && this.#options.log.stage(this.#latest, this.seen) === 'OVER'
  }

  get #through(): number {
    return Math.max(this.#options.position(), this.#latest?.position ?? 0)
  }

  /**
   * Reads the next page, after a turn of the event loop, and yields what the stream wants of it, in batches that are made
   * when they are asked for, or are kept with the page. Throws CursorExpired when the page has been pruned.
   */
  async *next(): AsyncGenerator<Batch, void> {
    const { rounds, executor, onExecuted } = this.#options
    await rounds.wait(this.#interest.accountId)
    await setImmediate()
    const page = this.#read()
    this.seen = page.through
    const kept = this.#projected(page)
    if (kept) return yield* kept
    const wanted = page.transitions.filter((transition) => concerns(this.#interest, transition))
    for (let at = 0; at < wanted.length; at += TOGETHER) {
      const some = wanted.slice(at, at + TOGETHER)
      onExecuted(some.length)
      yield* batchesOf(some, await executeAll(executor, some, rounds))
    }
  }

  #read(): HistoryPage {
    const { log, history } = this.#options
    const { accountId, snapshotIds, diskIds } = this.#interest
    const latest = this.#latest
    if (!latest) {
      const scope = { accountId, snapshotId: only(snapshotIds), diskId: only(diskIds) }
      return history.page(scope, this.seen, this.#through)
    }
    const { snapshotId, diskId, position } = latest
    const page = new HistoryPage(log.life({ accountId, snapshotId, diskId }, this.seen, this.#through))
    const isThere = page.transitions.some((transition) => transition.position === position)
    if (this.seen < position && page.through >= position && !isThere) throw new CursorExpired()
    return page
  }

  /** The batches of a page that are made of stored values only, kept with the page for other streams. */
  #projected(page: HistoryPage): readonly Batch[] | undefined {
    const { key, executor, onExecuted } = this.#options
    const { project } = executor
    if (!project) return undefined
    const { transitions } = page
    const payloads = page.part<(Buffer | undefined)[]>(key, () => ({
      part: [],
      bytes: transitions.length * 8,
    }))
    return page.part<readonly Batch[] | undefined>(`${key} ${interestKey(this.#interest)}`, () => {
      const wanted = transitions.flatMap((transition, at) => {
        if (!concerns(this.#interest, transition)) return []
        onExecuted(payloads[at] ? 0 : 1)
        payloads[at] ??= project(transition)
        return [{ transition, payload: payloads[at] }]
      })
      const made = wanted.flatMap(({ payload }) => payload ?? [])
      if (made.length < wanted.length) return { part: undefined, bytes: 0 }
      const part = batchesOf(
        wanted.map(({ transition }) => transition),
        made,
      )
      const bytes = made.reduce((sum, { length }) => sum + length, 0)
      return { part, bytes: part.length * BATCH_BYTES + FORMS * bytes }
    })
  }
}

function only(ids: readonly string[] | undefined): string | undefined {
  return ids?.length === 1 ? ids[0] : undefined
}
