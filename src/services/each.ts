import { Refusal } from '../domain/refusal.ts'

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
