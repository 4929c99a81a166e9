import { randomBytes } from 'node:crypto'
import { Prisma, type ApiToken } from '../generated/prisma/client.ts'
import type { Database } from '../database/database.ts'
import type { Role } from '../domain/role.ts'
import { DAY_MS } from '../domain/units.ts'
import type { Clock, NewId } from './clock.ts'
import { lockOwned } from './owned.ts'
import { checkName } from './refuse.ts'
import { hashOfToken, tokenFrom } from './token-secret.ts'
import type { Viewer } from './viewer.ts'

export interface CreateApiToken {
  name: string
  role: Role
  /** Null means forever. */
  expiresInDays: number | null
}

/** What decides about a token. */
export type TokenFacts = Pick<ApiToken, 'id' | 'accountId' | 'role' | 'expiresAt' | 'revokedAt'>

type Owner = Pick<Viewer, 'accountId'>

export type TokenService = ReturnType<typeof createTokenService>

/** How many ids one statement has at most. */
const ID_BATCH = 500

/** API tokens: random, shown once, stored as a digest. */
export function createTokenService({
  db,
  announce,
  now,
  newId,
}: {
  db: Database
  /** Called after a commit that changed who may come in; what it does has been done when the change is answered. */
  announce: () => Promise<void>
  now: Clock
  newId: NewId
}) {
  return {
    /** Makes a token for an account. The token itself is in the answer, and nowhere after that. */
    async create(owner: Owner, input: CreateApiToken): Promise<{ apiToken: ApiToken; token: string }> {
      const { name, role, expiresInDays } = input
      checkName(name)
      const token = tokenFrom(randomBytes(32))
      const createdAt = now()
      const expiresAt = expiresInDays === null ? null : new Date(createdAt.getTime() + expiresInDays * DAY_MS)
      const apiToken = await db.apiToken.create({
        data: {
          id: newId('ApiToken'),
          accountId: owner.accountId,
          name,
          role,
          hash: hashOfToken(token),
          createdAt,
          expiresAt,
        },
      })
      await announce()
      return { apiToken, token }
    },

    /** Ends a token for good; one that was revoked before stays as it is. */
    async revoke(owner: Owner, id: string): Promise<ApiToken> {
      const revoked = await db.write(function* (sql) {
        const token = yield* lockOwned(sql, 'ApiToken', owner, id)
        if (token.revokedAt !== null) return token
        const revokedAt = now()
        yield* sql.update('ApiToken', { revokedAt }, { id, accountId: owner.accountId })
        return { ...token, revokedAt }
      })
      await announce()
      return revoked
    },

    /** Whether there has ever been one. */
    async any(): Promise<boolean> {
      return (await db.apiToken.findFirst({ select: { id: true } })) !== null
    },

    /** The row of a token by its digest, whether or not it still holds; undefined when there is none. */
    find(hash: string): TokenFacts | undefined {
      return db.reader.get<TokenFacts>(
        Prisma.sql`SELECT "id", "accountId", "role", "expiresAt", "revokedAt" FROM "ApiToken" WHERE "hash" = ${hash}`,
      )
    },

    /** The rows with these ids. */
    async present(ids: readonly string[]): Promise<TokenFacts[]> {
      const rows: TokenFacts[] = []
      for (let from = 0; from < ids.length; from += ID_BATCH) {
        const batch = ids.slice(from, from + ID_BATCH)
        rows.push(...(await db.apiToken.findMany({ where: { id: { in: batch } } })))
      }
      return rows
    },

    /** Notes when tokens were last used. */
    async used(moments: ReadonlyMap<string, Date>): Promise<void> {
      await db.write(function* (sql) {
        for (const [id, lastUsedAt] of moments) yield* sql.update('ApiToken', { lastUsedAt }, { id })
      })
    },
  }
}

/** Why a token no longer holds, as a sentence for the sender; undefined while it does. */
export function whyEnded(
  { revokedAt, expiresAt }: Pick<TokenFacts, 'revokedAt' | 'expiresAt'>,
  now: Date,
): string | undefined {
  if (revokedAt !== null) return 'The API token was revoked. Use another one.'
  if (expiresAt !== null && expiresAt <= now) return 'The credential has expired. Use a new one.'
  return undefined
}
