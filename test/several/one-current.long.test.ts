import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startTestApp } from '../support/app.ts'
import { hasPostgres, startPostgres, type PostgresCluster } from '../support/postgresql.ts'
import { askOtherAtOnce } from './current.ts'

describe.skipIf(!hasPostgres)(
  'what one gateway has answered, another knows (skipped where there is no PostgreSQL)',
  () => {
    let cluster: PostgresCluster
    beforeAll(async () => {
      cluster = await startPostgres()
    })
    afterAll(() => cluster[Symbol.asyncDispose]())

    test('in every query that begins after the answer, also one that was asked before', async () => {
      const { stale, asked } = await askOtherAtOnce(await cluster.migrated(), 40)
      expect({ stale, asked }).toEqual({ stale: 0, asked: 40 })
    })

    test('a token that was just made, and one that was revoked', async () => {
      const DATABASE_URL = await cluster.migrated()
      await using a = await startTestApp({ DATABASE_URL, REQUIRE_CREDENTIALS: 'true' })
      await using b = await startTestApp({ DATABASE_URL, REQUIRE_CREDENTIALS: 'true' })
      for (let round = 0; round < 10; round++) {
        const { id, token, accountId } = await a.token('ADMIN')
        const there = b.client(`Bearer ${token}`)
        expect((await there.graphql('{ viewer { role } }')).data).toEqual({ viewer: { role: 'ADMIN' } })
        await a.tokens.revoke({ accountId }, id)
        await expect
          .poll(async () => (await there.graphql('{ viewer { role } }')).errors?.[0]?.extensions.code)
          .toBe('UNAUTHENTICATED')
      }
    })
  },
)
