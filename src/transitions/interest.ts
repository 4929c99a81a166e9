import type { SnapshotType } from '../domain/snapshot.ts'
import { isMet, type TextCondition } from './text-condition.ts'
import { readTags } from './tags.ts'
import type { AnyTransition, Transition } from './transition.ts'

/** Which transitions a subscriber wants: those that meet every given condition. The account is never optional. */
export interface Interest {
  accountId: string
  snapshotIds?: readonly string[] | undefined
  diskIds?: readonly string[] | undefined
  to?: readonly AnyTransition['to'][] | undefined
  types?: readonly SnapshotType[] | undefined
  name?: TextCondition | undefined
  tags?: readonly TagCondition[] | undefined
}

/** Met by what has a tag with this key, whose value meets the condition. */
interface TagCondition {
  key: string
  value: TextCondition
}

/** What is told of transitions. */
interface Listener {
  push(transition: AnyTransition): void
}

/** Whether a transition meets the conditions. */
export function concerns(
  { accountId, snapshotIds, diskIds, to, ...facts }: Interest,
  transition: AnyTransition,
): boolean {
  return (
    accountId === transition.accountId &&
    (snapshotIds?.includes(transition.snapshotId ?? '') ?? true) &&
    (diskIds?.includes(transition.diskId) ?? true) &&
    (to?.includes(transition.to) ?? true) &&
    areMet(facts, transition)
  )
}

/** Whether the snapshot was at that moment what these conditions say; what was not stored meets none. */
function areMet(
  { types, name, tags }: Pick<Interest, 'types' | 'name' | 'tags'>,
  transition: AnyTransition,
): boolean {
  if (!types && !name && !tags) return true
  if (transition.snapshotId === undefined) return false
  const { snapshotType, snapshotName } = transition
  if (types && (snapshotType === null || !types.includes(snapshotType))) return false
  if (name && !isMet(name, snapshotName)) return false
  return tags?.every(({ key, value }) => isMet(value, tagsOf(transition).get(key))) ?? true
}

/** One string for equal interests. */
export function interestKey({ accountId, snapshotIds, diskIds, to, types, name, tags }: Interest): string {
  return JSON.stringify([accountId, snapshotIds, diskIds, to, types, name, tags])
}

const tagsRead = new WeakMap<Transition, ReadonlyMap<string, string>>()

/** The tags of a transition, which are read once for all that look at them. */
function tagsOf(transition: Transition): ReadonlyMap<string, string> {
  const known = tagsRead.get(transition)
  if (known) return known
  const tags = readTags(transition.snapshotTags)
  tagsRead.set(transition, tags)
  return tags
}

/**
 * Finds the listeners of a transition by its snapshot, its disk, the name or a tag of the snapshot, and its account, so that
 * a transition costs nothing for those that do not want it. Each listener stands under the narrowest of its conditions only,
 * so it is told once.
 */
export class InterestIndex {
  /** By account, and there by snapshot, by disk, by name, by tag, or under `ALL`. */
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
    const { accountId, diskId } = transition
    const account = this.#accounts.get(accountId)
    if (!account) return
    tellAll(account.get(ALL), transition)
    if (transition.snapshotId !== undefined) tellOfSnapshot(account, transition)
    tellAll(account.get(diskId), transition)
  }

  /** How many entries there are: one for each listener and each key it stands under. */
  get size(): number {
    const lists = [...this.#accounts.values()].flatMap((account) => [...account.values()])
    return lists.reduce((sum, { size }) => sum + size, 0)
  }
}

/** The key of listeners that name neither snapshots nor disks, names or tags. No id is empty, or has a space or a bracket. */
const ALL = ''
const nameKey = (name: string) => `name ${name}`
const tagKey = (...tag: [key: string, value?: string]) => JSON.stringify(tag)

function tellAll(listeners: Map<Listener, Interest> | undefined, transition: AnyTransition): void {
  if (!listeners) return
  for (const [listener, interest] of listeners) if (concerns(interest, transition)) listener.push(transition)
}

function tellOfSnapshot(account: Map<string, Map<Listener, Interest>>, transition: Transition): void {
  const { snapshotId, snapshotName, snapshotTags } = transition
  tellAll(account.get(snapshotId), transition)
  if (snapshotName !== null) tellAll(account.get(nameKey(snapshotName)), transition)
  if (snapshotTags === null) return
  for (const [key, value] of tagsOf(transition)) {
    tellAll(account.get(tagKey(key)), transition)
    tellAll(account.get(tagKey(key, value)), transition)
  }
}

function keysOf({ snapshotIds, diskIds, name, tags }: Interest): string[] {
  const ids = snapshotIds ?? diskIds
  if (ids) return [...new Set(ids)]
  if (name?.oneOf) return [...new Set(name.oneOf.map(nameKey))]
  const [tag] = tags ?? []
  if (!tag) return [ALL]
  const { key, value } = tag
  return value.oneOf ? [...new Set(value.oneOf.map((one) => tagKey(key, one)))] : [tagKey(key)]
}
