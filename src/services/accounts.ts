import type { Database } from '../database/database.ts'
import { ACCOUNT_NAME_RULE, isAccountName } from '../domain/account.ts'
import { Prisma, type Account } from '../generated/prisma/client.ts'
import type { Clock, NewId } from './clock.ts'
import type { Viewer } from './viewer.ts'

/** The account of everybody who may reach a gateway without credentials. */
const LOCAL_ACCOUNT_ID = 'acc-localhost'
export const LOCAL_ACCOUNT_NAME = 'local'

/** The local account as its administrator; the account is made when it is missing. */
export async function localViewer(db: Database, now: Clock): Promise<Viewer> {
  const account = { id: LOCAL_ACCOUNT_ID, name: LOCAL_ACCOUNT_NAME, createdAt: now() }
  await db.write((sql) => sql.insertNew('Account', account))
  return { accountId: LOCAL_ACCOUNT_ID, role: 'ADMIN', expiresAt: null, tokenId: null, name: null }
}

/** The account of this name, made when it is missing; throws an Error when the name cannot be one. */
export async function accountNamed(
  db: Database,
  name: string,
  { now, newId }: { now: Clock; newId: NewId },
): Promise<Account> {
  if (!isAccountName(name)) throw new Error(ACCOUNT_NAME_RULE)
  return db.write(function* (sql) {
    const found = yield* sql.get('Account', { name })
    if (found) return found
    const account = { id: newId('Account'), name, createdAt: now() }
    // Another gateway may make it at the same time.
    const isNew = yield* sql.insertNew('Account', account)
    return isNew ? account : ((yield* sql.get('Account', { name })) ?? account)
  })
}

/** The maximum number of account ids in memory. */
const ACCOUNTS_KEPT = 10_000

/**
 * Finds the id of the account of a name, and remembers it: accounts are never deleted. A missing one is made, unless
 * `beforeMaking` rejects.
 */
export function createAccountIds(
  db: Database,
  options: { now: Clock; newId: NewId },
): (name: string, beforeMaking: () => Promise<void>) => Promise<string> {
  const ids = new Map<string, string>()

  function existing(name: string): string | undefined {
    return db.reader.get<Pick<Account, 'id'>>(Prisma.sql`SELECT "id" FROM "Account" WHERE "name" = ${name}`)
      ?.id
  }

  return async (name, beforeMaking) => {
    const known = ids.get(name)
    if (known !== undefined) return known
    let id = existing(name)
    if (id === undefined) {
      await beforeMaking()
      id = (await accountNamed(db, name, options)).id
    }
    if (ids.size >= ACCOUNTS_KEPT) ids.clear()
    ids.set(name, id)
    return id
  }
}

/** The account of this name; throws an Error that says which ones there are. */
export async function existingAccount(db: Database, name: string): Promise<Account> {
  const account = await db.account.findUnique({ where: { name } })
  if (account) return account
  const all = await db.account.findMany({ orderBy: { name: 'asc' }, take: 20 })
  throw new Error(
    `Account ${JSON.stringify(name)} not found. Known accounts: ${all.map((one) => one.name).join(', ') || 'none'}.`,
  )
}
