import type { Page, SeenSnapshot } from './cloud.ts'
import { CloudFault, CursorRefused } from './faults.ts'

/** How often a list is begun again because the cloud no longer knows where it was left off. */
const LISTS_AT_MOST = 5

/** A list page by page. */
async function* pagesOf<Row>(
  list: (cursor: string | undefined) => Promise<Page<Row>>,
): AsyncGenerator<Row[]> {
  let cursor: string | undefined
  do {
    const page = await list(cursor)
    yield page.rows
    if (page.next !== undefined && page.next === cursor)
      throw new CloudFault('PASSING', 'The cloud repeats a page of its list.', { code: 'MALFORMED_ANSWER' })
    cursor = page.next
  } while (cursor !== undefined)
}

/** All rows of a list that does not change in between; repeated rows included. */
export async function allRows<Row>(list: (cursor: string | undefined) => Promise<Page<Row>>): Promise<Row[]> {
  const rows: Row[] = []
  for await (const page of pagesOf(list)) rows.push(...page)
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

/**
 * Reads a list from its first page to its last, and gives each page to `take`, again when the list had to be begun again.
 * Resolves with the cloud's ids of all rows: only they are kept, as a list can be long.
 */
export function eachPage<Row extends { externalId: string }>(
  list: (cursor: string | undefined) => Promise<Page<Row>>,
  take: (rows: Row[]) => void | Promise<void>,
): Promise<ReadonlySet<string>> {
  return begunAgain(async () => {
    const ids = new Set<string>()
    for await (const rows of pagesOf(list)) {
      for (const { externalId } of rows) ids.add(externalId)
      await take(rows)
    }
    return ids
  })
}

/**
 * Looks for what a whole list lacks. Rows can be missing from a list that are there, all of them too, so each is read before it
 * is believed gone; at most `most` of them, as the others have another pass. What was made after `before` may not be visible
 * yet, and is passed over.
 */
export async function lookForMissing<Row>(
  listed: ReadonlySet<string>,
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
