import { setImmediate } from 'node:timers/promises'
import type { History } from '../transitions/history.ts'
import type { Interest, InterestIndex } from '../transitions/interest.ts'
import type { TransitionLog } from '../transitions/log.ts'
import type { AnyTransition } from '../transitions/transition.ts'
import type { Selected } from './executor.ts'
import type { Group } from './group.ts'
import type { Member, Seat } from './member.ts'
import { Replay } from './replay.ts'
import { Rounds } from './rounds.ts'
import { Selection } from './selection.ts'

export interface GroupsOptions {
  log: TransitionLog<AnyTransition>
  history: History
  index: InterestIndex
  /** How far the log has been read. */
  position: () => number
  /** Transitions that may wait to be executed; beyond that they are read from the log again. */
  bufferEvents: number
}

/**
 * Subscribers that select the same of a transition share one execution of it. Those of them that want the same transitions
 * are a group, which gets the same bytes. Nothing is kept for a member but the position it has seen.
 *
 * The seam between history and the present: a newcomer first reads the log, at its own pace, from where it begins to
 * where the hub is, and again, until it has seen everything that the hub has. In the same turn of the event loop it
 * becomes a member, and from then on gets what the hub reads. So nothing is missing, nothing comes twice, and while it
 * catches up, however long that takes, nothing is kept for it.
 */
export class Groups {
  readonly #options: GroupsOptions
  readonly #selections = new Map<string, Selection>()
  readonly #rounds = new Rounds()
  #replayed = 0

  constructor(options: GroupsOptions) {
    this.#options = options
  }

  /** Makes a subscriber a newcomer and then a member. Returns how to leave, which may be called again. */
  join(selected: Selected, seat: Seat, member: Member): () => void {
    const selection = this.#selectionOf(selected)
    const { newcomers } = selection
    const replay = this.#replayOf(selected.key, selection, seat)
    let group: Group | undefined

    async function catchUp(): Promise<void> {
      while (!replay.isCaughtUp) {
        for await (const batch of replay.next()) {
          if (!newcomers.has(member)) return
          await member.replay(batch)
          // A client that takes everything at once leaves other streams their turns too.
          await setImmediate()
        }
        if (!newcomers.has(member)) return
      }
      member.seen = replay.seen
      if (replay.isOver) {
        leave()
        member.complete()
      } else {
        group = selection.group({ interest: seat.interest, untilOver: seat.latest !== undefined })
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
  }

  #selectionOf({ key, executor }: Selected): Selection {
    const known = this.#selections.get(key)
    if (known) return known
    const { log, index, history, position, bufferEvents } = this.#options
    const selection = new Selection({
      executor: executor(),
      index,
      history,
      rounds: this.#rounds,
      position,
      stage: (interest) => log.stage(scopeOf(interest), position()),
      limit: bufferEvents,
      onEmpty: () => this.#selections.delete(key),
    })
    this.#selections.set(key, selection)
    return selection
  }

  #replayOf(key: string, { executor }: Selection, seat: Seat): Replay {
    const onExecuted = (count: number) => (this.#replayed += count)
    return new Replay({ ...this.#options, rounds: this.#rounds, key, executor, onExecuted }, seat)
  }

  /**
   * How many subscribers, groups, executions and entries of the index there are; how many subscribers catch up, and how
   * many executions that has taken since the start.
   */
  get counts() {
    const all = [...this.#selections.values()]
    const groups = all.flatMap((selection) => [...selection.groups.values()])
    return {
      members: groups.reduce((sum, { members }) => sum + members.size, 0),
      newcomers: all.reduce((sum, { newcomers }) => sum + newcomers.size, 0),
      groups: groups.length,
      selections: all.length,
      executions: all.reduce((sum, { executions }) => sum + executions, 0),
      replayed: this.#replayed,
      indexed: this.#options.index.size,
    }
  }

  /** Completes streams whose snapshot or disk has nothing in flight any more: a job may end without a transition. */
  completeOver(): void {
    for (const selection of [...this.#selections.values()]) selection.completeOver()
  }

  /** Ends every stream with an error. */
  fail(error: Error): void {
    for (const selection of [...this.#selections.values()]) selection.fail(error)
    this.#selections.clear()
  }

  /** Completes every stream. */
  complete(): void {
    for (const selection of [...this.#selections.values()]) selection.complete()
    this.#selections.clear()
  }
}

/** The one snapshot or disk of an interest. */
function scopeOf({ accountId, snapshotIds, diskIds }: Interest) {
  return { accountId, snapshotId: snapshotIds?.[0], diskId: diskIds?.[0] }
}
