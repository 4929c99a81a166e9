import type { AnyTransition } from '../transitions/transition.ts'

/** The aim for what one write sends to a subscriber, in bytes: a replay holds as much for a client that reads slowly. */
const PIECE_BYTES = 64 * 1024

/** What a batch knows of a transition. */
export type BatchEntry = Pick<AnyTransition, 'position' | 'sequence' | 'tag' | 'snapshotId'>

/** Answers in the order of their transitions, shared by all subscribers they are sent to. */
export class Batch {
  readonly transitions: readonly BatchEntry[]
  readonly payloads: readonly Buffer[]
  /** The first form, apart: most batches have no other, and a map for each would cost more than the rest. */
  #first: { key: unknown; form: unknown } | undefined
  #others: Map<unknown, unknown> | undefined

  constructor(transitions: readonly BatchEntry[], payloads: readonly Buffer[]) {
    this.transitions = transitions
    this.payloads = payloads
  }

  get first(): number {
    return this.transitions[0]?.position ?? 0
  }

  get last(): number {
    return this.transitions.at(-1)?.position ?? 0
  }

  /** The part after a position. */
  after(position: number): Batch {
    const start = this.transitions.findLastIndex((one) => one.position <= position) + 1
    return new Batch(this.transitions.slice(start), this.payloads.slice(start))
  }

  /** What a transport makes of the batch, made once for each key. */
  form<Form>(key: unknown, make: () => Form): Form {
    const first = this.#first
    if (first && first.key === key) return first.form as Form
    const known = this.#others?.get(key)
    if (known !== undefined) return known as Form
    const form = make()
    if (first) (this.#others ??= new Map()).set(key, form)
    else this.#first = { key, form }
    return form
  }
}

/** Batches of about `PIECE_BYTES` each. */
export function batchesOf(transitions: readonly BatchEntry[], payloads: readonly Buffer[]): Batch[] {
  if (payloads.length === 1) return [new Batch(transitions, payloads)]
  const batches: Batch[] = []
  let start = 0
  let bytes = 0
  payloads.forEach((payload, at) => {
    bytes += payload.length
    if (bytes < PIECE_BYTES && at + 1 < payloads.length) return
    batches.push(new Batch(transitions.slice(start, at + 1), payloads.slice(start, at + 1)))
    start = at + 1
    bytes = 0
  })
  return batches
}
