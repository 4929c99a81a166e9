import type { AnyTransition } from './transition.ts'

/** Which transitions a subscriber wants: those that meet every given condition. The account is never optional. */
export interface Interest {
  accountId: string
  snapshotIds?: readonly string[] | undefined
  diskIds?: readonly string[] | undefined
  to?: readonly AnyTransition['to'][] | undefined
}

/** What is told of transitions. */
interface Listener {
  push(transition: AnyTransition): void
}

/** Whether a transition meets the conditions. */
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

/** One string for equal interests. */
export function interestKey({ accountId, snapshotIds, diskIds, to }: Interest): string {
  return JSON.stringify([accountId, snapshotIds, diskIds, to])
}

/**
 * Finds the listeners of a transition by its snapshot, its disk and its account, so that a transition costs nothing for
 * those that do not want it. Each listener stands under the narrowest of its conditions only, so it is told once.
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
  tell(transition: AnyTransition): void {
    const { accountId, snapshotId, diskId } = transition
    const account = this.#accounts.get(accountId)
    if (!account) return
    tellAll(account.get(ALL), transition)
    if (snapshotId !== undefined) tellAll(account.get(snapshotId), transition)
    tellAll(account.get(diskId), transition)
  }

  /** How many entries there are: one for each listener and each key it stands under. */
  get size(): number {
    const lists = [...this.#accounts.values()].flatMap((account) => [...account.values()])
    return lists.reduce((sum, { size }) => sum + size, 0)
  }
}

/** The key of listeners that name neither snapshots nor disks. No id is empty. */
const ALL = ''

function tellAll(listeners: Map<Listener, Interest> | undefined, transition: AnyTransition): void {
  if (!listeners) return
  for (const [listener, interest] of listeners) if (concerns(interest, transition)) listener.push(transition)
}

function keysOf({ snapshotIds, diskIds }: Interest): string[] {
  const ids = snapshotIds ?? diskIds
  return ids ? [...new Set(ids)] : [ALL]
}
