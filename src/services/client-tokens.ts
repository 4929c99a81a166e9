import { createHash } from 'node:crypto'
import type { Sql, Work } from '../database/work.ts'
import { ClientTokenReused } from '../domain/refusals.ts'
import type { Viewer } from './viewer.ts'

export interface Tag {
  key: string
  value: string
}

/** A call that may be repeated, told by its token and everything in its input but the token. */
export interface Repeatable {
  /** Null when the call is not repeatable. */
  clientToken: string | null
  inputHash: string
}

interface Made {
  id: string
  createdAt: Date
}

/**
 * Makes something with the given id and moment, or finds what an earlier call with the same token and input has made. Throws
 * `ClientTokenReused` when the token came with other input or another verb, or when what it made no longer exists. The
 * token is taken first: of two calls at once, the second waits for the first, and finds what that has made.
 */
export function* once<T extends Made>(
  sql: Sql,
  { accountId }: Viewer,
  { clientToken, inputHash }: Repeatable,
  { id, createdAt, find, make }: Made & { find: (id: string) => Work<T | undefined>; make: () => Work<T> },
): Work<T> {
  if (clientToken === null) return yield* make()
  const key = { accountId, clientToken }
  const isNew = yield* sql.insertNew('IdempotencyKey', { ...key, inputHash, resourceId: id, createdAt })
  if (isNew) {
    if (!isOfItem(clientToken)) yield* checkItems(sql, { accountId }, { clientToken, inputHash })
    return yield* make()
  }
  const earlier = yield* sql.get('IdempotencyKey', key)
  if (earlier?.inputHash !== inputHash) throw new ClientTokenReused(null)
  const made = yield* find(earlier.resourceId)
  if (!made) throw new ClientTokenReused(earlier.resourceId)
  return made
}

/**
 * The token of one item of a call that makes several; one that no client can send. Items that were refused can then be
 * tried again, while those that were accepted give what they made.
 */
export function itemToken(clientToken: string | null, item: string): string | null {
  return clientToken === null ? null : `${clientToken}\n${item}`
}

function isOfItem(token: string): boolean {
  return token.includes('\n')
}

/** Throws `ClientTokenReused` when a call with this token, or its items, were made from other input. */
export function* checkItems(
  sql: Sql,
  { accountId }: Pick<Viewer, 'accountId'>,
  { clientToken, inputHash }: Repeatable,
): Work<void> {
  if (clientToken === null) return
  // The token and those of its items, in the order of bytes.
  const its = { gte: clientToken, lt: `${clientToken}\v` }
  const other = yield* sql.get('IdempotencyKey', {
    accountId,
    clientToken: its,
    inputHash: { not: inputHash },
  })
  if (other) throw new ClientTokenReused(null)
}

/** A digest of an input. */
export function hashOf(...input: unknown[]): string {
  return createHash('sha256').update(JSON.stringify(input)).digest('hex')
}

/** Tags in one order, so that it makes no difference to a digest. */
export function sorted(tags: readonly Tag[]): [string, string][] {
  return tags.map(({ key, value }): [string, string] => [key, value]).sort(([a], [b]) => (a < b ? -1 : 1))
}
