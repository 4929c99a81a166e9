import { brokenNameRules } from '../domain/name.ts'
import { Refusal } from '../domain/refusal.ts'
import { InvalidName } from '../domain/refusals.ts'

/** Throws `InvalidName` unless the name is a good one. */
export function checkName(name: string): void {
  const broken = brokenNameRules(name)
  if (broken.length > 0) throw new InvalidName(broken)
}

/** Throws the first refusal, if there is one. */
export function refuse([refusal]: readonly Refusal[]): void {
  if (refusal) throw refusal
}

/** Does something for each of several, one after the other; a refusal is that one's result, anything else ends it all. */
export async function each<T, R>(
  items: readonly T[],
  verb: (item: T) => R | Promise<R>,
): Promise<(R | Refusal)[]> {
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
