import { setImmediate } from 'node:timers/promises'
import { isSettled } from '../domain/lifecycle.ts'
import { Replay, type History, type HistoryPage } from './history.ts'
import { concerns, type Interest, type InterestIndex } from './interest.ts'
import type { AnyTransition, Stage, TransitionLog, TransitionScope } from './log.ts'
import { Rounds } from './rounds.ts'

export type Groups = ReturnType<typeof createGroups>

/** What a stream is of, and where it begins. */
export interface Seat {
  interest: Interest
  after: number
  /** For the stream of one snapshot or disk, which completes when nothing is in flight with it: its last transition until now. */
  latest?: AnyTransition | undefined
}

/** One subscriber of a group. */
export interface Member {
  /** Everything up to this position has been sent. */
  seen: number
  /** Sends what the member missed; resolves when it has room for more. */
  replay(batch: Batch): Promise<void>
  /** Makes the form in which it will send a batch, where it stays for the others who send it in the same one. */
  form(batch: Batch): void
  deliver(batch: Batch): void
  /** Nothing comes after this. */
  complete(): void
  /** Nothing comes after this. */
  fail(error: unknown): void
}

/** What the members of a selection have in common. */
export interface Selected {
  /** Equal for those who select the same of a transition on behalf of the same account and role. */
  key: string
  /** Makes what executes it, which is kept for as long as there are members. */
  executor: () => Executor
}

/** Makes the bytes to be sent for a transition, the same for all members. */
export interface Executor {
  /** Says what holds now. */
  execute: (transition: AnyTransition) => Buffer | Promise<Buffer>
  /**
   * Where it is given, all that is selected is stored with the transition: the same bytes at any time, so that they may
   * be kept. Undefined for a transition that it cannot be told of without an execution.
   */
  project?: ((transition: AnyTransition) => Buffer | undefined) | undefined
}

/** Answers in the order of their transitions, shared by everybody they are sent to. */
export class Batch {
  readonly positions: readonly number[]
  readonly payloads: readonly Buffer[]
  /** The first one apart: most batches have no other, and a map for each would cost more than the rest. */
  #first: { key: unknown; form: unknown } | undefined
  #others: Map<unknown, unknown> | undefined

  constructor(positions: readonly number[], payloads: readonly Buffer[]) {
    this.positions = positions
    this.payloads = payloads
  }

  get first(): number {
    return this.positions[0] ?? 0
  }

  /** The part after a position. */
  after(position: number): Batch {
    const start = this.positions.findLastIndex((one) => one <= position) + 1
    return new Batch(this.positions.slice(start), this.payloads.slice(start))
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

export interface GroupsOptions {
  log: TransitionLog<AnyTransition>
  history: History
  index: InterestIndex
  /** How far the hub has read. */
  position: () => number
  /** Transitions that may wait to be executed; beyond that they are read from the log again. */
  bufferEvents: number
}

const EMPTY = Buffer.alloc(0)

/** As many transitions are executed together, so that their reads are answered together, and then sent together. */
const TOGETHER = 500
/** What is sent at once to one subscriber, about, in bytes: as much of a replay waits for a client that reads slowly. */
const PIECE_BYTES = 64 * 1024
/** What a batch costs in memory beside its payloads, and how often those are there, in the forms of the transports. */
const BATCH_BYTES = 500
const FORMS = 3

/**
 * Subscribers who select the same of a transition share one execution of it, and of those the ones who want the same
 * transitions are a group, which gets the same bytes. Nothing is kept for a member but the number it has seen.
 *
 * The seam between history and the present: a newcomer first reads the log, at its own pace, from where it begins to
 * where the hub is, and again, until it has seen everything that the hub has. In the same turn of the event loop it
 * becomes a member, and from then on gets what the hub reads. So nothing is missing, nothing comes twice, and while it
 * catches up, however long that takes, nothing is kept for it.
 */
export function createGroups({ log, history, index, position, bufferEvents }: GroupsOptions) {
  const selections = new Map<string, Selection>()
  const rounds = new Rounds()
  let replayed = 0

  function selectionOf({ key, executor }: Selected): Selection {
    const known = selections.get(key)
    if (known) return known
    const selection = new Selection({
      key,
      history,
      position,
      rounds,
      executor: executor(),
      stage: (interest) => log.stage(scopeOf(interest), position()),
      limit: bufferEvents,
      onReplayed: (count) => (replayed += count),
      onEmpty: () => selections.delete(key),
    })
    selections.set(key, selection)
    return selection
  }

  return {
    /** Makes a subscriber a newcomer and then a member. Returns how to leave, which may be called again. */
    join(selected: Selected, { interest, after, latest }: Seat, member: Member): () => void {
      const selection = selectionOf(selected)
      const { newcomers } = selection
      const replay = new Replay({ log, history, position, interest, after, latest })
      let group: Group | undefined

      async function catchUp(): Promise<void> {
        while (!replay.isCaughtUp) {
          await rounds.wait(interest.accountId)
          const page = await replay.next()
          for await (const piece of selection.pieces(page, interest)) {
            if (!newcomers.has(member)) return
            await member.replay(piece)
            // Also a client that takes everything at once leaves the others their turns.
            await setImmediate()
          }
          if (!newcomers.has(member)) return
        }
        member.seen = replay.seen
        if (replay.isOver) {
          leave()
          member.complete()
        } else {
          group = selection.group({ interest, untilOver: latest !== undefined, index })
          group.members.add(member)
          newcomers.delete(member)
        }
      }

      function leave(): void {
        if (newcomers.delete(member)) selection.closeIfEmpty()
        group?.leave(member)
      }

      newcomers.add(member)
      catchUp().catch((error: unknown) => {
        if (!newcomers.has(member)) return
        leave()
        member.fail(error)
      })
      return leave
    },

    /**
     * How many subscribers, groups, executions and entries of the index there are; how many subscribers catch up, and
     * how many executions that has taken since the start.
     */
    get counts() {
      const all = [...selections.values()]
      const groups = all.flatMap((selection) => [...selection.groups.values()])
      return {
        members: groups.reduce((sum, { members }) => sum + members.size, 0),
        newcomers: all.reduce((sum, { newcomers }) => sum + newcomers.size, 0),
        groups: groups.length,
        selections: selections.size,
        executions: all.reduce((sum, { executions }) => sum + executions, 0),
        replayed,
        indexed: index.size,
      }
    },

    /** Completes the streams of what has nothing in flight any more: work may end without a transition. */
    completeOver(): void {
      for (const selection of [...selections.values()]) selection.completeOver()
    },

    /** Ends every stream with an error. */
    fail(error: Error): void {
      for (const selection of [...selections.values()]) selection.fail(error)
      selections.clear()
    },

    /** Ends every stream. */
    close(): void {
      for (const selection of selections.values()) {
        const newcomers = [...selection.newcomers]
        for (const group of selection.groups.values()) group.complete([...group.members])
        selection.newcomers.clear()
        for (const newcomer of newcomers) newcomer.complete()
      }
      selections.clear()
    },
  }
}

interface Job {
  transition: AnyTransition
  groups: Group[]
}

interface GroupOptions {
  interest: Interest
  untilOver: boolean
  index: InterestIndex
}

interface SelectionOptions {
  key: string
  history: History
  position: () => number
  rounds: Rounds
  executor: Executor
  /** What goes on with the one thing that an interest is in. */
  stage: (interest: Interest) => Stage
  limit: number
  onReplayed: (count: number) => void
  onEmpty: () => void
}

/** Executes transitions, many at once, and hands out the answers in their order. */
class Selection {
  readonly groups = new Map<string, Group>()
  /** Who still catches up. */
  readonly newcomers = new Set<Member>()
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

  group({ interest, untilOver, index }: GroupOptions): Group {
    const key = `${untilOver} ${keyOf(interest)}`
    const known = this.groups.get(key)
    if (known) return known
    const group = new Group(this, interest, untilOver, () => {
      unlist()
      this.groups.delete(key)
      this.closeIfEmpty()
    })
    const unlist = index.add(interest, group)
    this.groups.set(key, group)
    return group
  }

  /** Completes the groups of what has nothing in flight any more, once all that happened to it has been sent. */
  completeOver(): void {
    if (this.#working) return
    for (const group of [...this.groups.values()]) {
      if (group.waitsForWork) group.goOn(this.#options.stage(group.interest))
    }
  }

  /** Ends all that is served by it; nothing that it still executes is sent to anybody. */
  fail(error: Error): void {
    const newcomers = [...this.newcomers]
    this.newcomers.clear()
    this.#jobs = []
    for (const group of [...this.groups.values()]) group.fail(error)
    for (const newcomer of newcomers) newcomer.fail(error)
  }

  closeIfEmpty(): void {
    if (this.groups.size === 0 && this.newcomers.size === 0) this.#options.onEmpty()
  }

  /** What somebody wants of a page, in pieces that are made when they are asked for, or are there already. */
  async *pieces(page: HistoryPage, interest: Interest): AsyncGenerator<Batch, void> {
    const kept = this.#projected(page, interest)
    if (kept) return yield* kept
    const wanted = page.transitions.filter((transition) => concerns(interest, transition))
    for (let at = 0; at < wanted.length; at += TOGETHER) {
      const some = wanted.slice(at, at + TOGETHER)
      this.#options.onReplayed(some.length)
      yield* batchesOf(some.map(positionOf), await this.#execute(some))
    }
  }

  #projected(page: HistoryPage, interest: Interest): readonly Batch[] | undefined {
    const { key, executor, onReplayed } = this.#options
    const { project } = executor
    if (!project) return undefined
    const { transitions } = page
    const payloads = page.part<(Buffer | undefined)[]>(key, () => ({
      part: [],
      bytes: transitions.length * 8,
    }))
    return page.part<readonly Batch[] | undefined>(`${key} ${keyOf(interest)}`, () => {
      const wanted = transitions.flatMap((transition, at) => {
        if (!concerns(interest, transition)) return []
        onReplayed(payloads[at] ? 0 : 1)
        payloads[at] ??= project(transition)
        return [{ transition, payload: payloads[at] }]
      })
      const made = wanted.flatMap(({ payload }) => payload ?? [])
      if (made.length < wanted.length) return { part: undefined, bytes: 0 }
      const part = batchesOf(
        wanted.map(({ transition }) => positionOf(transition)),
        made,
      )
      const bytes = made.reduce((sum, { length }) => sum + length, 0)
      return { part, bytes: part.length * BATCH_BYTES + FORMS * bytes }
    })
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
      this.#taken = transition.position
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
    this.completeOver()
  }

  async #executeTogether(jobs: Job[]): Promise<void> {
    const wanted = jobs.filter(({ groups }) => groups.some(({ members }) => members.size > 0))
    this.executions += wanted.length
    const payloads = await this.#execute(wanted.map(({ transition }) => transition))
    const concerned = new Set<Group>()
    wanted.forEach(({ transition, groups }, at) => {
      for (const group of groups) concerned.add(group.add(transition, payloads[at] ?? EMPTY))
    })
    // First what is sent, then the sends, one close behind the other: readers who fall asleep between two of them have
    // to be woken again, which costs the sender as much as the send.
    const flushes = [...concerned].map((group) => group.prepare())
    for (const flush of flushes) flush()
  }

  async #execute(transitions: readonly AnyTransition[]): Promise<Buffer[]> {
    const { rounds, executor } = this.#options
    const { execute, project } = executor
    const results: (Buffer | Promise<Buffer>)[] = []
    for (const transition of transitions) {
      const turn = rounds.wait(transition.accountId)
      if (turn) await turn
      results.push(project?.(transition) ?? execute(transition))
    }
    return results.some((result) => result instanceof Promise)
      ? Promise.all(results.map(async (result) => result))
      : (results as Buffer[])
  }

  /** Reads what was left in the log, until nothing is. */
  async #catchUp(): Promise<void> {
    const { history, position } = this.#options
    const through = position()
    while (this.#taken < through) {
      const [any] = this.groups.values()
      if (!any) {
        this.#taken = through
        break
      }
      const page = history.page({ accountId: any.interest.accountId }, this.#taken, through)
      for (const transition of page.transitions) {
        const groups = [...this.groups.values()].filter(({ interest }) => concerns(interest, transition))
        this.#jobs.push({ transition, groups })
        if (this.#jobs.length >= TOGETHER) await this.#executeTogether(this.#jobs.splice(0))
      }
      this.#taken = page.through
    }
    if (position() === through) this.#behind = false
  }
}

const positionOf = ({ position }: AnyTransition) => position

/** What an interest in one snapshot or disk is in. */
function scopeOf({ accountId, snapshotIds, diskIds }: Interest): TransitionScope {
  return { accountId, snapshotId: snapshotIds?.[0], diskId: diskIds?.[0] }
}

/** One string for interests that are the same. */
function keyOf({ accountId, snapshotIds, diskIds, to }: Interest): string {
  return JSON.stringify([accountId, snapshotIds, diskIds, to])
}

/** Batches of about `PIECE_BYTES` each. */
function batchesOf(positions: readonly number[], payloads: readonly Buffer[]): Batch[] {
  if (payloads.length === 1) return [new Batch(positions, payloads)]
  const batches: Batch[] = []
  let start = 0
  let bytes = 0
  payloads.forEach((payload, at) => {
    bytes += payload.length
    if (bytes < PIECE_BYTES && at + 1 < payloads.length) return
    batches.push(new Batch(positions.slice(start, at + 1), payloads.slice(start, at + 1)))
    start = at + 1
    bytes = 0
  })
  return batches
}

/** Members who get the same bytes. It is gone with the last of them. */
class Group {
  readonly members = new Set<Member>()
  readonly interest: Interest
  readonly #selection: Selection
  readonly #untilOver: boolean
  readonly #onEmpty: () => void
  #positions: number[] = []
  #payloads: Buffer[] = []
  /** Whether the status of its thing is settled, or may be: then it ends with the work on it, without a transition. */
  #isSettled = true

  constructor(selection: Selection, interest: Interest, untilOver: boolean, onEmpty: () => void) {
    this.#selection = selection
    this.interest = interest
    this.#untilOver = untilOver
    this.#onEmpty = onEmpty
  }

  push(transition: AnyTransition): void {
    this.#selection.take(transition, this)
  }

  add({ position, to }: AnyTransition, payload: Buffer): this {
    this.#positions.push(position)
    this.#payloads.push(payload)
    this.#isSettled = isSettled(to)
    return this
  }

  /**
   * Makes ready what was added; the function returned sends it, to each member what it has not seen.
   */
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

  /** Whether it is of one thing, and its end may come without a transition. */
  get waitsForWork(): boolean {
    return this.#untilOver && this.#isSettled
  }

  /** Everything has been sent, and this goes on with its thing. */
  goOn(stage: Stage): void {
    if (stage === 'OVER') this.complete([...this.members])
    this.#isSettled = stage !== 'CHANGING'
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
