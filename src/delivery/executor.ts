import type { AnyTransition } from '../transitions/transition.ts'
import type { Rounds } from './rounds.ts'

/** How many transitions are executed together, so that their reads are answered together, and then sent together. */
export const TOGETHER = 500

/** What the members of a selection have in common. */
export interface Selected {
  /** Equal for subscribers that select the same of a transition on behalf of the same account and role. */
  key: string
  /** Makes the executor, which is kept for as long as there are members. */
  executor: () => Executor
}

/** Makes the bytes to be sent for a transition, the same for all members. */
export interface Executor {
  /** Says what holds now. */
  execute: (transition: AnyTransition) => Buffer | Promise<Buffer>
  /**
   * Present when everything selected is stored with the transition: the same bytes at any time, so they may be kept.
   * Returns undefined for a transition that needs an execution.
   */
  project?: ((transition: AnyTransition) => Buffer | undefined) | undefined
}

/** The bytes for each transition, made a few milliseconds at a time, in turn with other accounts. */
export async function executeAll(
  { execute, project }: Executor,
  transitions: readonly AnyTransition[],
  rounds: Rounds,
): Promise<Buffer[]> {
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
