import type { AnyTransition } from './log.ts'

/** Which transitions somebody wants: all conditions that are given hold. The account is never optional. */
export interface Interest {
  accountId: string
  snapshotIds?: readonly string[] | undefined
  diskIds?: readonly string[] | undefined
  to?: readonly AnyTransition['to'][] | undefined
}

/** Somebody who is told of transitions. */
export interface Listener {
  push(transition: AnyTransition): void
}

export function concerns(
  { accountId, snapshotIds, diskIds, to }: Interest,
  transition: AnyTransition,
): boolean {
  return (
    accountId === transition.accountId &&
    (snapshotIds?.includes(transition.snapshotId ?? '') ?? true) &&
    (diskIds?.includes(transition.diskId) ?? true) &&
    (to?.includes(transition.to) ?? true)
  )
}

/**
 * Who is to be told of a transition, found by its snapshot, its disk and its account: what nobody else wants costs
 * nothing for the others. Each listener stands under the narrowest of its conditions only, so it is told once.
 */
export class InterestIndex {
  readonly #listeners = new Map<string, Map<Listener, Interest>>()

  /** Adds a listener until the returned function is called. */
  add(interest: Interest, listener: Listener): () => void {
    const keys = keysOf(interest)
    for (const key of keys) {
      const listeners = this.#listeners.get(key) ?? new Map<Listener, Interest>()
      this.#listeners.set(key, listeners.set(listener, interest))
    }
    return () => {
      for (const key of keys) {
        const listeners = this.#listeners.get(key)
        if (listeners?.delete(listener) && listeners.size === 0) this.#listeners.delete(key)
      }
    }
  }

  /** Tells every listener that the transition concerns; they may come and go meanwhile. */
  tell(transition: AnyTransition): void {
    const { accountId, snapshotId, diskId } = transition
    for (const key of [accountId, `${accountId} ${snapshotId ?? ''}`, `${accountId} ${diskId}`]) {
      for (const [listener, interest] of this.#listeners.get(key) ?? [])
        if (concerns(interest, transition)) listener.push(transition)
    }
  }

  /** How many entries there are: one for each listener and each key it stands under. */
  get size(): number {
    return [...this.#listeners.values()].reduce((sum, { size }) => sum + size, 0)
  }
}

function keysOf({ accountId, snapshotIds, diskIds }: Interest): string[] {
  const ids = snapshotIds ?? diskIds
  return ids ? [...new Set(ids)].map((id) => `${accountId} ${id}`) : [accountId]
}
