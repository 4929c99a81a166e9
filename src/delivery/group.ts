import { isSettled } from '../domain/lifecycle.ts'
import type { Interest } from '../transitions/interest.ts'
import type { Stage } from '../transitions/log.ts'
import type { AnyTransition } from '../transitions/transition.ts'
import { batchesOf, type Batch } from './batch.ts'
import type { Member } from './member.ts'

export interface GroupOptions {
  interest: Interest
  /** Whether it is of one snapshot or disk, and completes when nothing is in flight with that. */
  untilOver: boolean
}

/** Members that get the same bytes. */
export class Group {
  readonly members = new Set<Member>()
  readonly interest: Interest
  readonly #untilOver: boolean
  readonly #onEmpty: () => void
  #positions: number[] = []
  #payloads: Buffer[] = []
  /** Whether the status is settled, or may be: then the stream ends with the last job, without a transition. */
  #isSettled = true

  /** `onEmpty` is called when the last member has left. */
  constructor({ interest, untilOver }: GroupOptions, onEmpty: () => void) {
    this.interest = interest
    this.#untilOver = untilOver
    this.#onEmpty = onEmpty
  }

  add({ position, to }: AnyTransition, payload: Buffer): this {
    this.#positions.push(position)
    this.#payloads.push(payload)
    this.#isSettled = isSettled(to)
    return this
  }

  /** Makes the frames of what was added; the returned function sends them, to each member what it has not seen. */
  prepare(): () => void {
    const batches = batchesOf(this.#positions, this.#payloads)
    this.#positions = []
    this.#payloads = []
    const [member] = this.members
    for (const batch of batches) member?.form(batch)
    return () => {
      for (const batch of batches) this.#deliver(batch)
    }
  }

  #deliver(batch: Batch): void {
    const last = batch.positions.at(-1) ?? 0
    for (const member of this.members) {
      try {
        if (member.seen < batch.first) member.deliver(batch)
        else if (member.seen < last) member.deliver(batch.after(member.seen))
      } catch (error) {
        this.leave(member)
        member.fail(error)
      }
    }
  }

  /** Whether it may complete without another transition. */
  get waitsForWork(): boolean {
    return this.#untilOver && this.#isSettled
  }

  /** Everything has been sent, and this is the stage of its snapshot or disk. */
  goOn(stage: Stage): void {
    if (stage === 'OVER') this.complete()
    this.#isSettled = stage !== 'CHANGING'
  }

  complete(): void {
    for (const member of [...this.members]) {
      this.leave(member)
      member.complete()
    }
  }

  fail(error: unknown): void {
    for (const member of [...this.members]) {
      this.leave(member)
      member.fail(error)
    }
  }

  leave(member: Member): void {
    if (this.members.delete(member) && this.members.size === 0) this.#onEmpty()
  }
}
