import { createHash } from 'node:crypto'
import type { SqlTransaction } from '../database/group-commit.ts'
import { ClientTokenReused } from '../domain/refusals.ts'
import { Prisma, type IdempotencyKey } from '../generated/prisma/client.ts'
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
 * Makes something, or gives what an earlier call with the same token and input has made. Throws `ClientTokenReused` when
 * the token came with other input or another verb, or when what it made no longer exists.
 */
export function once<T extends Made>(
  tx: SqlTransaction,
  viewer: Viewer,
  { clientToken, inputHash }: Repeatable,
  { find, make }: { find: (id: string) => T | undefined; make: () => T },
): T {
  const { sql } = tx
  const { accountId } = viewer
  if (clientToken === null) return make()
  const earlier = sql.get<IdempotencyKey>(
    Prisma.sql`SELECT * FROM "IdempotencyKey" WHERE "accountId" = ${accountId} AND "clientToken" = ${clientToken}`,
  )
  if (earlier) {
    if (earlier.inputHash !== inputHash) throw new ClientTokenReused(null)
    const made = find(earlier.resourceId)
    if (!made) throw new ClientTokenReused(earlier.resourceId)
    return made
  }
  if (!isOfItem(clientToken)) checkItems(tx, viewer, { clientToken, inputHash })
  const made = make()
  const { id: resourceId, createdAt } = made
  sql.insert('IdempotencyKey', { accountId, clientToken, inputHash, resourceId, createdAt })
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
export function checkItems(
  { sql }: SqlTransaction,
  { accountId }: Viewer,
  { clientToken, inputHash }: Repeatable,
): void {
  if (clientToken === null) return
  const other = sql.get(
    Prisma.sql`SELECT 1 FROM "IdempotencyKey" WHERE "accountId" = ${accountId}
      AND "clientToken" >= ${clientToken} AND "clientToken" < ${`${clientToken}\v`} AND "inputHash" <> ${inputHash}`,
  )
  if (other !== undefined) throw new ClientTokenReused(null)
}

/** A digest of an input. */
export function hashOf(...input: unknown[]): string {
  return createHash('sha256').update(JSON.stringify(input)).digest('hex')
}

/** Tags in one order, so that it makes no difference to a digest. */
export function sorted(tags: readonly Tag[]): [string, string][] {
  return tags.map(({ key, value }): [string, string] => [key, value]).sort(([a], [b]) => (a < b ? -1 : 1))
}
