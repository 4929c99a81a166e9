import { Refusal } from '../domain/refusal.ts'
import type { Snapshot } from '../generated/prisma/client.ts'

/** The outcome for one of several disks: the snapshot, or why it was refused. */
export type SnapshotOutcome = { id: string; snapshot: Snapshot } | { id: string; refusal: Refusal }

/** Does it for each, one after the other, and returns the outcome of each. */
export async function outcomesOf(
  ids: readonly string[],
  make: (id: string) => Promise<Snapshot>,
): Promise<SnapshotOutcome[]> {
  const results = await each(ids, async (id) => ({ id, snapshot: await make(id) }))
  return results.map((result, at) => (result instanceof Refusal ? outcomeOf(ids[at] ?? '', result) : result))
}

export function outcomeOf(id: string, result: Snapshot | Refusal): SnapshotOutcome {
  return result instanceof Refusal ? { id, refusal: result } : { id, snapshot: result }
}

/** Does something for each of several, one after the other; a refusal is that one's result, anything else ends it all. */
async function each<T, R>(items: readonly T[], verb: (item: T) => R | Promise<R>): Promise<(R | Refusal)[]> {
  const results: (R | Refusal)[] = []
  for (const item of items) {
    try {
      results.push(await verb(item))
    } catch (error) {
      if (!(error instanceof Refusal)) throw error
      results.push(error)
    }
  }
  return results
}
