import { setImmediate } from 'node:timers/promises'
import { concerns, interestKey, type Interest, type InterestIndex } from '../transitions/interest.ts'
import type { History } from '../transitions/history.ts'
import type { Stage } from '../transitions/log.ts'
import type { AnyTransition } from '../transitions/transition.ts'
import { executeAll, TOGETHER, type Executor } from './executor.ts'
import { Group, type GroupOptions } from './group.ts'
import type { Member } from './member.ts'
import type { Rounds } from './rounds.ts'

const EMPTY = Buffer.alloc(0)

export interface SelectionOptions {
  executor: Executor
  index: InterestIndex
  history: History
  rounds: Rounds
  /** How far the log has been read. */
  position: () => number
  stage: (interest: Interest) => Stage
  /** Transitions that may wait to be executed; beyond that they are read from the log again. */
  limit: number
  onEmpty: () => void
}

/** A transition that waits to be executed, for these groups. */
interface Waiting {
  transition: AnyTransition
  groups: Group[]
}

/**
 * Subscribers that select the same of a transition. Executes transitions, many at once, and hands out the answers in their
 * order.
 */
export class Selection {
  readonly groups = new Map<string, Group>()
  /** Subscribers that still catch up. */
  readonly newcomers = new Set<Member>()
  readonly executor: Executor
  executions = 0
  readonly #options: SelectionOptions
  #waiting: Waiting[] = []
  /** The position of the last transition that was taken. */
  #taken = 0
  /** Too many wait: the rest stays in the log until there is room. */
  #isBehind = false
  #isWorking = false

  constructor(options: SelectionOptions) {
    this.#options = options
    this.executor = options.executor
  }

  /** The group of an interest, which is told of transitions for as long as it has members. */
  group(options: GroupOptions): Group {
    const { interest, untilOver } = options
    const key = `${untilOver} ${interestKey(interest)}`
    const known = this.groups.get(key)
    if (known) return known
    const group = new Group(options, () => {
      unlist()
      this.groups.delete(key)
      this.closeIfEmpty()
    })
    const push = (transition: AnyTransition) => this.#take(transition, group)
    const unlist = this.#options.index.add(interest, { push })
    this.groups.set(key, group)
    return group
  }

  closeIfEmpty(): void {
    if (this.groups.size === 0 && this.newcomers.size === 0) this.#options.onEmpty()
  }

  /** Completes the groups whose snapshot or disk has nothing in flight, once all their transitions have been sent. */
  completeOver(): void {
    if (this.#isWorking) return
    for (const group of [...this.groups.values()]) {
      if (group.waitsForWork) group.goOn(this.#options.stage(group.interest))
    }
  }

  /** Completes every stream. */
  complete(): void {
    const newcomers = [...this.newcomers]
    for (const group of [...this.groups.values()]) group.complete()
    this.newcomers.clear()
    for (const newcomer of newcomers) newcomer.complete()
  }

  /** Ends every stream with an error; nothing that is still being executed is sent. */
  fail(error: Error): void {
    const newcomers = [...this.newcomers]
    this.newcomers.clear()
    this.#waiting = []
    for (const group of [...this.groups.values()]) group.fail(error)
    for (const newcomer of newcomers) newcomer.fail(error)
  }

  #take(transition: AnyTransition, group: Group): void {
    if (this.#isBehind) return
    const last = this.#waiting.at(-1)
    if (last?.transition === transition) {
      last.groups.push(group)
    } else if (this.#waiting.length >= this.#options.limit) {
      this.#isBehind = true
    } else {
      this.#waiting.push({ transition, groups: [group] })
      this.#taken = transition.position
      if (!this.#isWorking) void this.#work()
    }
  }

  async #work(): Promise<void> {
    this.#isWorking = true
    // Transitions told in the same turn are executed, and sent, together.
    await Promise.resolve()
    try {
      while (this.#waiting.length > 0 || this.#isBehind) {
        while (this.#waiting.length > 0) {
          await this.#executeTogether(this.#waiting.splice(0, TOGETHER))
          // A long page is sent in parts, and other work has a turn between them.
          if (this.#waiting.length > 0) await setImmediate()
        }
        if (this.#isBehind) await this.#catchUp()
      }
    } catch (error) {
      this.#waiting = []
      this.#isBehind = false
      for (const group of this.groups.values()) group.fail(error)
    }
    this.#isWorking = false
    this.completeOver()
  }

  async #executeTogether(waiting: Waiting[]): Promise<void> {
    const wanted = waiting.filter(({ groups }) => groups.some(({ members }) => members.size > 0))
    this.executions += wanted.length
    const payloads = await executeAll(
      this.executor,
      wanted.map(({ transition }) => transition),
      this.#options.rounds,
    )
    const concerned = new Set<Group>()
    wanted.forEach(({ transition, groups }, at) => {
      for (const group of groups) concerned.add(group.add(transition, payloads[at] ?? EMPTY))
    })
    // First all frames, then all sends, back to back: a reader that falls asleep between two sends has to be woken again,
    // which costs the sender as much as the send.
    const flushes = [...concerned].map((group) => group.prepare())
    for (const flush of flushes) flush()
  }

  /** Reads from the log what was left there. */
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
        this.#waiting.push({ transition, groups })
        if (this.#waiting.length >= TOGETHER) await this.#executeTogether(this.#waiting.splice(0))
      }
      this.#taken = page.through
    }
    if (position() === through) this.#isBehind = false
  }
}
