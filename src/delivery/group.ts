import { isSettled } from '../domain/lifecycle.ts'
import type { Interest } from '../transitions/interest.ts'
import type { Stage } from '../transitions/log.ts'
import type { AnyTransition } from '../transitions/transition.ts'
import { batchesOf, type Batch, type BatchEntry } from './batch.ts'
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
  #transitions: BatchEntry[] = []
  #payloads: Buffer[] = []
  /** Whether the status is settled, or may be: then the stream ends with the last job, without a transition. */
  #isSettled = true

  /** `onEmpty` is called when the last member has left. */
  constructor({ interest, untilOver }: GroupOptions, onEmpty: () => void) {
    this.interest = interest
    this.#untilOver = untilOver
    this.#onEmpty = onEmpty
  }

  add(transition: AnyTransition, payload: Buffer): this {
    this.#transitions.push(transition)
    this.#payloads.push(payload)
    this.#isSettled = isSettled(transition.to)
    return this
  }

  /** Makes the frames of what was added; the returned function sends them, to each member what it has not seen. */
  prepare(): () => void {
    const batches = batchesOf(this.#transitions, this.#payloads)
    this.#transitions = []
    this.#payloads = []
    const [member] = this.members
    for (const batch of batches) member?.form(batch)
    return () => {
      for (const batch of batches) this.#deliver(batch)
    }
  }

  #deliver(batch: Batch): void {
    for (const member of this.members) {
      try {
        if (member.seen < batch.first) member.deliver(batch)
        else if (member.seen < batch.last) member.deliver(batch.after(member.seen))
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
