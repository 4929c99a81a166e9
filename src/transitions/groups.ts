import { setImmediate } from 'node:timers/promises'
import { isSettled } from '../domain/lifecycle.ts'
import { concerns, type Interest, type InterestIndex } from './interest.ts'
import type { AnyTransition, TransitionLog } from './log.ts'

export type Groups = ReturnType<typeof createGroups>

/** Where a stream that has caught up goes on. */
export interface Seat {
  interest: Interest
  /** Everything up to this number has been sent. */
  seen: number
  /** Whether the stream completes with a transition to a status that stays. */
  untilSettled: boolean
}

/** One subscriber of a group. */
export interface Member {
  /** Everything up to this number has been sent. */
  readonly seen: number
  deliver(batch: Batch): void
  /** Nothing comes after this. */
  complete(): void
  /** Nothing comes after this. */
  fail(error: unknown): void
}

/** What the members of a selection have in common. */
export interface Selected {
  /** Equal for those who select the same of a transition on behalf of the same account. */
  key: string
  /** Makes what executes it, which is kept for as long as there are members. */
  executor: () => Execute
}

/** The bytes to be sent for a transition, the same for all members. */
type Execute = (transition: AnyTransition) => Buffer | Promise<Buffer>

/** Answers in the order of their transitions, shared by everybody they are sent to. */
export class Batch {
  readonly sequences: readonly number[]
  readonly payloads: readonly Buffer[]
  readonly #forms = new Map<unknown, unknown>()

  constructor(sequences: readonly number[], payloads: readonly Buffer[]) {
    this.sequences = sequences
    this.payloads = payloads
  }

  get first(): number {
    return this.sequences[0] ?? 0
  }

  /** The part behind a number. */
  after(sequence: number): Batch {
    const start = this.sequences.findLastIndex((one) => one <= sequence) + 1
    return new Batch(this.sequences.slice(start), this.payloads.slice(start))
  }

  /** What a transport makes of the batch, made once for each key. */
  form<Form>(key: unknown, make: () => Form): Form {
    const known = this.#forms.get(key)
    if (known !== undefined) return known as Form
    const form = make()
    this.#forms.set(key, form)
    return form
  }
}

export interface GroupsOptions {
  log: TransitionLog<AnyTransition>
  index: InterestIndex
  /** How far the hub has read. */
  position: () => number
  /** Transitions that may wait to be executed; beyond that they are read from the log again. */
  bufferEvents: number
}

const EMPTY = Buffer.alloc(0)

/** As many transitions are executed together, so that their reads are answered together, and sent together. */
const TOGETHER = 100

/**
 * Subscribers who select the same of a transition share one execution of it, and of those the ones who want the same
 * transitions are a group, which gets the same bytes. Nothing is kept for a member but the number it has seen.
 */
export function createGroups({ log, index, position, bufferEvents }: GroupsOptions) {
  const selections = new Map<string, Selection>()

  function selectionOf({ key, executor }: Selected): Selection {
    const known = selections.get(key)
    if (known) return known
    const selection = new Selection({
      log,
      position,
      execute: executor(),
      limit: bufferEvents,
      onEmpty: () => selections.delete(key),
    })
    selections.set(key, selection)
    return selection
  }

  return {
    /**
     * Makes a subscriber a member, in the same turn of the event loop in which it has seen everything that the hub
     * has: so it misses nothing, and what is still under way and it has seen already it does not get again. Returns
     * how to leave, which may be called again.
     */
    join(selected: Selected, { interest, untilSettled }: Seat, member: Member): () => void {
      const group = selectionOf(selected).group({ interest, untilSettled, index })
      group.members.add(member)
      return () => group.leave(member)
    },

    /** How many subscribers, groups, executions and entries of the index there are. */
    get counts() {
      const groups = [...selections.values()].flatMap((selection) => [...selection.groups.values()])
      return {
        members: groups.reduce((sum, { members }) => sum + members.size, 0),
        groups: groups.length,
        selections: selections.size,
        executions: [...selections.values()].reduce((sum, { executions }) => sum + executions, 0),
        indexed: index.size,
      }
    },

    /** Ends every stream. */
    close(): void {
      for (const selection of selections.values())
        for (const group of selection.groups.values()) group.complete([...group.members])
    },
  }
}

interface Job {
  transition: AnyTransition
  groups: Group[]
}

interface SelectionOptions {
  log: TransitionLog<AnyTransition>
  position: () => number
  execute: Execute
  limit: number
  onEmpty: () => void
}

/** Executes transitions, many at once, and hands out the answers in their order. */
class Selection {
  readonly groups = new Map<string, Group>()
  executions = 0
  readonly #options: SelectionOptions
  #jobs: Job[] = []
  /** The last transition that was taken. */
  #taken = 0
  /** Too much waits: what comes is left in the log until there is room. */
  #behind = false
  #working = false

  constructor(options: SelectionOptions) {
    this.#options = options
  }

  group({ interest, untilSettled, index }: Omit<Seat, 'seen'> & { index: InterestIndex }): Group {
    const { accountId, snapshotIds, diskIds, to } = interest
    const key = JSON.stringify([untilSettled, accountId, snapshotIds, diskIds, to])
    const known = this.groups.get(key)
    if (known) return known
    const group = new Group(this, interest, untilSettled, () => {
      unlist()
      this.groups.delete(key)
      if (this.groups.size === 0) this.#options.onEmpty()
    })
    const unlist = index.add(interest, group)
    this.groups.set(key, group)
    return group
  }

  take(transition: AnyTransition, group: Group): void {
    if (this.#behind) return
    const last = this.#jobs.at(-1)
    if (last?.transition === transition) {
      last.groups.push(group)
    } else if (this.#jobs.length >= this.#options.limit) {
      this.#behind = true
    } else {
      this.#jobs.push({ transition, groups: [group] })
      this.#taken = transition.sequence
      if (!this.#working) void this.#work()
    }
  }

  async #work(): Promise<void> {
    this.#working = true
    // What else is delivered in this turn is executed, and sent, with it.
    await Promise.resolve()
    try {
      while (this.#jobs.length > 0 || this.#behind) {
        while (this.#jobs.length > 0) {
          await this.#executeTogether(this.#jobs.splice(0, TOGETHER))
          // A long page is sent in parts, and whoever else waits has a turn between them.
          if (this.#jobs.length > 0) await setImmediate()
        }
        if (this.#behind) await this.#catchUp()
      }
    } catch (error) {
      this.#jobs = []
      this.#behind = false
      for (const group of this.groups.values()) group.fail(error)
    }
    this.#working = false
  }

  async #executeTogether(jobs: Job[]): Promise<void> {
    const wanted = jobs.filter(({ groups }) => groups.some(({ members }) => members.size > 0))
    this.executions += wanted.length
    const results = wanted.map(({ transition }) => this.#options.execute(transition))
    const payloads = results.some((result) => result instanceof Promise)
      ? await Promise.all(results.map(async (result) => result))
      : (results as Buffer[])
    const concerned = new Set<Group>()
    wanted.forEach(({ transition, groups }, at) => {
      for (const group of groups) concerned.add(group.add(transition, payloads[at] ?? EMPTY))
    })
    for (const group of concerned) group.flush()
  }

  /** Reads what was left in the log, until nothing is. */
  async #catchUp(): Promise<void> {
    const { log, position } = this.#options
    const through = position()
    const [group] = this.groups.values()
    for await (const transition of group ? log.between(group.interest, this.#taken, through) : []) {
      const groups = [...this.groups.values()].filter(({ interest }) => concerns(interest, transition))
      this.#jobs.push({ transition, groups })
      if (this.#jobs.length >= TOGETHER) await this.#executeTogether(this.#jobs.splice(0))
    }
    this.#taken = through
    if (position() === through) this.#behind = false
  }
}

/** Members who get the same bytes. It is gone with the last of them. */
class Group {
  readonly members = new Set<Member>()
  readonly interest: Interest
  readonly #selection: Selection
  readonly #untilSettled: boolean
  readonly #onEmpty: () => void
  #sequences: number[] = []
  #payloads: Buffer[] = []
  #status: AnyTransition['to'] | undefined

  constructor(selection: Selection, interest: Interest, untilSettled: boolean, onEmpty: () => void) {
    this.#selection = selection
    this.interest = interest
    this.#untilSettled = untilSettled
    this.#onEmpty = onEmpty
  }

  push(transition: AnyTransition): void {
    this.#selection.take(transition, this)
  }

  add({ sequence, to }: AnyTransition, payload: Buffer): this {
    this.#sequences.push(sequence)
    this.#payloads.push(payload)
    this.#status = to
    return this
  }

  /** Sends what was added, to each member what it has not seen, and completes the streams that have come to their end. */
  flush(): void {
    const batch = new Batch(this.#sequences, this.#payloads)
    const last = batch.sequences.at(-1) ?? 0
    this.#sequences = []
    this.#payloads = []
    for (const member of this.members) {
      try {
        if (member.seen < batch.first) member.deliver(batch)
        else if (member.seen < last) member.deliver(batch.after(member.seen))
      } catch (error) {
        this.leave(member)
        member.fail(error)
      }
    }
    if (this.#untilSettled && this.#status && isSettled(this.#status))
      this.complete([...this.members].filter(({ seen }) => seen <= last))
  }

  complete(members: readonly Member[]): void {
    for (const member of members) {
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
