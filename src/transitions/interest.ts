import type { SnapshotStatus } from '../domain/lifecycle.ts'
import type { Transition } from './log.ts'

/** Which transitions somebody wants: all conditions that are given hold. The account is never optional. */
export interface Interest {
  accountId: string
  snapshotIds?: readonly string[] | undefined
  diskIds?: readonly string[] | undefined
  to?: readonly SnapshotStatus[] | undefined
}

/** Somebody who is told of transitions. */
export interface Listener {
  push(transition: Transition): void
}

export function concerns({ accountId, snapshotIds, diskIds, to }: Interest, transition: Transition): boolean {
  return (
    accountId === transition.accountId &&
    (snapshotIds?.includes(transition.snapshotId) ?? true) &&
    (diskIds?.includes(transition.diskId) ?? true) &&
    (to?.includes(transition.to) ?? true)
  )
}

/**
 * Who is to be told of a transition, found by its snapshot, its disk and its account: what nobody else wants costs
 * nothing for the others. Each listener stands under the narrowest of its conditions only, so it is told once.
 */
export class InterestIndex {
  /** By account, and there by snapshot, by disk, or under `ALL`. */
  readonly #accounts = new Map<string, Map<string, Map<Listener, Interest>>>()

  /** Adds a listener until the returned function is called. */
  add(interest: Interest, listener: Listener): () => void {
    const { accountId } = interest
    const keys = keysOf(interest)
    for (const key of keys) {
      const account = this.#accounts.get(accountId) ?? new Map<string, Map<Listener, Interest>>()
      const listeners = account.get(key) ?? new Map<Listener, Interest>()
      this.#accounts.set(accountId, account.set(key, listeners.set(listener, interest)))
    }
    return () => {
      const account = this.#accounts.get(accountId)
      for (const key of keys) {
        const listeners = account?.get(key)
        if (listeners?.delete(listener) && listeners.size === 0) account?.delete(key)
      }
      if (account?.size === 0) this.#accounts.delete(accountId)
    }
  }

  /** Tells every listener that the transition concerns; they may come and go meanwhile. */
  tell(transition: Transition): void {
    const account = this.#accounts.get(transition.accountId)
    if (!account) return
    tellAll(account.get(ALL), transition)
    tellAll(account.get(transition.snapshotId), transition)
    tellAll(account.get(transition.diskId), transition)
  }

  /** How many entries there are: one for each listener and each key it stands under. */
  get size(): number {
    const lists = [...this.#accounts.values()].flatMap((account) => [...account.values()])
    return lists.reduce((sum, { size }) => sum + size, 0)
  }
}

/** Where those stand who name neither snapshots nor disks. No id is empty. */
const ALL = ''

function tellAll(listeners: Map<Listener, Interest> | undefined, transition: Transition): void {
  if (!listeners) return
  for (const [listener, interest] of listeners) if (concerns(interest, transition)) listener.push(transition)
}

function keysOf({ snapshotIds, diskIds }: Interest): string[] {
  const ids = snapshotIds ?? diskIds
  return ids ? [...new Set(ids)] : [ALL]
}
