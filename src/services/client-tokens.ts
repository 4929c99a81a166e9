import { createHash } from 'node:crypto'
import type { Transaction } from '../database/database.ts'
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
 * Makes something, or gives what an earlier call with the same token and input has made. Throws `ClientTokenReused` when
 * the token came with other input, or what it made is gone.
 */
export async function once<T extends Made>(
  tx: Transaction,
  { accountId }: Viewer,
  { clientToken, inputHash }: Repeatable,
  { find, make }: { find: (id: string) => Promise<T | null>; make: () => Promise<T> },
): Promise<T> {
  if (clientToken === null) return make()
  const key = { accountId, clientToken }
  const earlier = await tx.idempotencyKey.findUnique({ where: { accountId_clientToken: key } })
  if (earlier) {
    const made = earlier.inputHash === inputHash ? await find(earlier.resourceId) : null
    if (!made) throw new ClientTokenReused()
    return made
  }
  const made = await make()
  await tx.idempotencyKey.create({
    data: { ...key, inputHash, resourceId: made.id, createdAt: made.createdAt },
  })
  return made
}

/**
 * The token of one item of a call that makes several; one that no client can send. Items that were refused can then be
 * tried again, while those that were accepted give what they made.
 */
export function itemToken(clientToken: string | null, item: string): string | null {
  return clientToken === null ? null : `${clientToken}\n${item}`
}

/** Throws `ClientTokenReused` when items of a call with this token have been made from other input. */
export async function checkItems(
  tx: Transaction,
  { accountId }: Viewer,
  { clientToken, inputHash }: Repeatable,
): Promise<void> {
  if (clientToken === null) return
  const others = await tx.idempotencyKey.count({
    where: {
      accountId,
      clientToken: { gte: `${clientToken}\n`, lt: `${clientToken}\v` },
      inputHash: { not: inputHash },
    },
  })
  if (others > 0) throw new ClientTokenReused()
}

/** A digest of an input. */
export function hashOf(...input: unknown[]): string {
  return createHash('sha256').update(JSON.stringify(input)).digest('hex')
}

/** Tags in one order, so that it makes no difference to a digest. */
export function sorted(tags: readonly Tag[]): [string, string][] {
  return tags.map(({ key, value }): [string, string] => [key, value]).sort(([a], [b]) => (a < b ? -1 : 1))
}
