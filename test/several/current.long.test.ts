import process from 'node:process'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { hasPostgres, startPostgres, type PostgresCluster } from '../support/postgresql.ts'
import { askOtherAtOnce } from './current.ts'

/** More can be asked for; `INTERLEAVINGS=100000` takes twelve minutes on two cores. */
const INTERLEAVINGS = Number(process.env.INTERLEAVINGS ?? 10_000)

describe.skipIf(!hasPostgres)('two gateways (skipped where there is no PostgreSQL)', () => {
  let cluster: PostgresCluster
  beforeAll(async () => {
    cluster = await startPostgres()
  })
  afterAll(() => cluster[Symbol.asyncDispose]())

  test(
    `no answer is older than what the other has answered, ${INTERLEAVINGS} times`,
    { timeout: 3_600_000 },
    async () => {
      expect(await askOtherAtOnce(await cluster.migrated(), INTERLEAVINGS)).toEqual({
        asked: INTERLEAVINGS,
        stale: 0,
      })
    },
  )
})
