import fc from 'fast-check'
import { expect } from 'vitest'
import { ERROR_CODES } from '../../src/graphql/errors.ts'
import { schema } from '../../src/graphql/schema.ts'
import { randomQueries } from '../support/random-queries.ts'
import { startTestApp } from '../support/app.ts'

/** The codes of documents that are not run. */
const UNREAD = [
  'DOCUMENT_TOO_LARGE',
  'GRAPHQL_PARSE_FAILED',
  'GRAPHQL_VALIDATION_FAILED',
  'COST_LIMIT_EXCEEDED',
]

/** Runs `count` random queries against a gateway that has something to read; none may be a fault. */
export async function askAtRandom(numRuns: number): Promise<{ valid: number; answered: number }> {
  await using app = await startTestApp({ MAX_COST: '1000000', MAX_ALIASES: '1000' })
  const disks = [await app.disk({ kind: 'SYSTEM' }), await app.disk(), await app.disk({ attachedTo: 'i-1' })]
  for (const disk of disks) await app.heldSnapshots(disk, 5)
  const snapshots = await app.db.snapshot.findMany({ take: 3 })
  const ids = [...disks, ...snapshots].map(({ id }) => id)
  const counts = { valid: 0, answered: 0 }

  await fc.assert(
    fc.asyncProperty(randomQueries(schema, [...ids, 'v-missing00', 's-missing00']), async (query) => {
      const { data, errors = [] } = await app.graphql(query)
      const codes = errors.map(({ extensions }) => extensions.code)
      expect(codes).not.toContain('INTERNAL_SERVER_ERROR')
      expect(codes.filter((code) => !(code in ERROR_CODES))).toEqual([])
      if (!codes.some((code) => UNREAD.includes(code))) counts.valid++
      if (data) counts.answered++
    }),
    { numRuns },
  )
  return counts
}
