import { randomBytes } from 'node:crypto'
import { Prisma, type ApiToken } from '../generated/prisma/client.ts'
import type { Database } from '../database/database.ts'
import type { Role } from '../domain/role.ts'
import { DAY_MS } from '../domain/units.ts'
import { recordChange } from './activity.ts'
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
export type TokenFacts = Pick<ApiToken, 'id' | 'accountId' | 'name' | 'role' | 'expiresAt' | 'revokedAt'>

type Owner = Pick<Viewer, 'accountId'>

export type TokenService = ReturnType<typeof createTokenService>

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
      const id = newId('ApiToken')
      const { accountId } = owner
      const apiToken = await db.write(function* (sql) {
        const hash = hashOfToken(token)
        const change = { accountId, action: 'CREATE_API_TOKEN' as const, at: createdAt }
        yield* recordChange(sql, newId, { ...change, subjectId: id, subjectName: name })
        return yield* sql.insert('ApiToken', { id, accountId, name, role, hash, createdAt, expiresAt })
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
        const { accountId } = owner
        yield* sql.update('ApiToken', { revokedAt }, { id, accountId })
        const change = { accountId, action: 'REVOKE_API_TOKEN' as const, at: revokedAt }
        yield* recordChange(sql, newId, { ...change, subjectId: id, subjectName: token.name })
        return { ...token, revokedAt }
      })
      await announce()
      return revoked
    },

    /** Whether there has ever been one. */
    any(): boolean {
      return db.reader.get(Prisma.sql`SELECT "id" FROM "ApiToken" LIMIT 1`) !== undefined
    },

    /** Resolves when `find` has every token that was made before the call; undefined when it always has. */
    fresh(): Promise<void> | undefined {
      return db.reader.fresh()
    },

    /** The row of a token by its digest, whether or not it still holds; undefined when there is none. */
    find(hash: string): TokenFacts | undefined {
      return db.reader.get<TokenFacts>(
        Prisma.sql`SELECT "id", "accountId", "name", "role", "expiresAt", "revokedAt" FROM "ApiToken" WHERE "hash" = ${hash}`,
      )
    },

    /** The rows with these ids. */
    present(ids: readonly string[]): TokenFacts[] {
      return db.reader.all<TokenFacts>(
        Prisma.sql`SELECT "id", "accountId", "name", "role", "expiresAt", "revokedAt" FROM "ApiToken"
          WHERE "id" IN (SELECT "value" FROM json_each(${JSON.stringify(ids)}))`,
      )
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
