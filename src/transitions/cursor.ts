/**
 * A cursor: the letter of the log, the number of a transition of the account, and the tag of that transition. Before the
 * first one, the number is 0 and the tag is the id of the log.
 */
const CURSOR = /^([sd])(\d{1,15})\.([\w-]{8,16})$/
/** Cursors of versions that did not number the transitions of each account: the id of the log and a position, in base 36. */
const OLD_CURSOR = /^([0-9a-f]{12})\.([0-9a-z]{1,10})$/

/** What a cursor says of one log: a transition of the account, or, in the old form, a position (NaN: of another log). */
export type ParsedCursor = { sequence: number; tag: string } | { oldPosition: number }

/** The cursor of a transition, in the log with this letter. */
export function cursorAt(letter: string, { sequence, tag }: { sequence: number; tag: string }): string {
  return `${letter}${sequence}.${tag}`
}

/** A cursor of both logs, for a list that reflects both. */
export function jointCursor(...cursors: [string, string]): string {
  return cursors.join('~')
}

/** Reads a cursor, or the part of a joint one, that belongs to the log with this letter and id. */
export function parseCursor(cursor: string, letter: string, logId: string): ParsedCursor | 'MALFORMED' {
  const parts = cursor.split('~')
  if (parts.length > 2) return 'MALFORMED'
  const cursors = parts.map((part) => CURSOR.exec(part) ?? [])
  if (cursors.every(({ length }) => length > 0)) {
    const [, , sequence, tag] = cursors.find((match) => match[1] === letter) ?? []
    return sequence === undefined || tag === undefined ? 'MALFORMED' : { sequence: Number(sequence), tag }
  }
  const old = parts.map((part) => OLD_CURSOR.exec(part) ?? [])
  if (old.some(({ length }) => length === 0)) return 'MALFORMED'
  return { oldPosition: Number.parseInt(old.find((match) => match[1] === logId)?.[2] ?? '', 36) }
}

/** The log does not continue from where a reader stands: that was pruned, or was lost when the database was restored. */
export class CursorExpired extends Error {
  constructor() {
    super(
      'The log does not continue from this stream cursor: it is older than the log, or the database has been restored. ' +
        'List again, and watch from the new cursor.',
    )
  }
}
