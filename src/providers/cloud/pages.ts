import type { Page, SeenSnapshot } from './cloud.ts'
import { CloudFault, CursorRefused } from './faults.ts'

/** How often a list is begun again because the cloud no longer knows where it was left off. */
const LISTS_AT_MOST = 5

/** All rows of a list that does not change in between; repeated rows included. */
export async function allRows<Row>(list: (cursor: string | undefined) => Promise<Page<Row>>): Promise<Row[]> {
  const rows: Row[] = []
  let cursor: string | undefined
  do {
    const page = await list(cursor)
    rows.push(...page.rows)
    if (page.next !== undefined && page.next === cursor)
      throw new CloudFault('PASSING', 'The cloud repeats a page of its list.', { code: 'MALFORMED_ANSWER' })
    cursor = page.next
  } while (cursor !== undefined)
  return rows
}

/** The snapshots with a mark, each once, the oldest first. */
export function marked(snapshots: readonly SeenSnapshot[], mark: string): SeenSnapshot[] {
  const found = new Map(
    snapshots.filter((snapshot) => snapshot.mark === mark).map((snapshot) => [snapshot.externalId, snapshot]),
  )
  return [...found.values()].sort((a, b) => Number(a.createdAt) - Number(b.createdAt))
}

/** Reads a list, and again from its beginning when the cloud no longer knows where it was left off. */
export async function begunAgain<T>(read: () => Promise<T>): Promise<T> {
  for (let lists = 1; ; lists++) {
    try {
      return await read()
    } catch (error) {
      if (!(error instanceof CursorRefused)) throw error
      if (lists === LISTS_AT_MOST)
        throw new CloudFault('PASSING', 'The list changes faster than it can be read.', {
          code: 'CURSOR_REFUSED',
        })
    }
  }
}

/** A list from its first page to its last, by the cloud's ids; of a row that is repeated, as it was seen last. */
export async function wholeList<Row extends { externalId: string }>(
  list: (cursor: string | undefined) => Promise<Page<Row>>,
): Promise<Map<string, Row>> {
  const rows = await begunAgain(() => allRows(list))
  return new Map(rows.map((row) => [row.externalId, row]))
}

/**
 * Looks for what a whole list lacks. Rows can be missing from a list that are there, all of them too, so each is read before it
 * is believed gone; at most `most` of them, as the others have another pass. What was made after `before` may not be visible
 * yet, and is passed over.
 */
export async function lookForMissing<Row>(
  listed: ReadonlyMap<string, Row>,
  known: readonly { externalId: string; since: Date }[],
  read: (externalId: string) => Promise<Row | undefined>,
  { before, most }: { before: Date; most: number },
): Promise<{ gone: string[]; found: Row[] }> {
  const missing = known.filter(({ externalId, since }) => !listed.has(externalId) && since < before)
  const gone: string[] = []
  const found: Row[] = []
  for (const { externalId } of missing.slice(0, most)) {
    const row = await read(externalId)
    if (row === undefined) gone.push(externalId)
    else found.push(row)
  }
  return { gone, found }
}
