import fc from 'fast-check'
import { expect } from 'vitest'
import { ERROR_CODES } from '../../src/graphql/errors.ts'
import { schema } from '../../src/graphql/schema.ts'
import { randomQueries } from '../support/random-queries.ts'
import { startTestApp } from '../support/app.ts'
import { deferredQueries } from '../support/deferred-queries.ts'
import { askInParts, merged, partsIn, type Part } from '../support/parts.ts'

/** The codes of documents that are not run. */
const UNREAD = [
  'DOCUMENT_TOO_LARGE',
  'GRAPHQL_PARSE_FAILED',
  'GRAPHQL_VALIDATION_FAILED',
  'COST_LIMIT_EXCEEDED',
]

async function startWorld() {
  const app = await startTestApp({ MAX_COST: '1000000', MAX_ALIASES: '1000', MAX_DEPTH: '40' })
  const disks = [await app.disk({ kind: 'SYSTEM' }), await app.disk(), await app.disk({ attachedTo: 'i-1' })]
  for (const disk of disks) await app.heldSnapshots(disk, 5)
  const snapshots = await app.db.snapshot.findMany({ take: 3 })
  const ids = [...disks, ...snapshots].map(({ id }) => id)
  return { app, ids: [...ids, 'v-missing00', 's-missing00'] }
}

/** Runs `count` random queries against a gateway that has something to read; none may be a fault. */
export async function askAtRandom(numRuns: number): Promise<{ valid: number; answered: number }> {
  const { app, ids } = await startWorld()
  await using _app = app
  const counts = { valid: 0, answered: 0 }

  await fc.assert(
    fc.asyncProperty(randomQueries(schema, ids), async (query) => {
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

/** Runs random queries in parts and in one piece: the parts are together the same answer. */
export async function askInPartsAtRandom(numRuns: number): Promise<{ inParts: number; parts: number }> {
  const { app, ids } = await startWorld()
  await using _app = app
  const counts = { inParts: 0, parts: 0 }

  await fc.assert(
    fc.asyncProperty(deferredQueries(schema, ids), async ({ plain, deferred }) => {
      const response = await askInParts(app, deferred)
      const inParts = response.headers.get('content-type')?.startsWith('multipart/') === true
      const parts = inParts ? await Array.fromAsync(partsIn(response)) : [(await response.json()) as Part]
      const { data, errors } = merged(parts)
      const whole = await app.graphql(plain)

      expect(errors.map(({ extensions }) => extensions.code)).not.toContain('INTERNAL_SERVER_ERROR')
      // An error makes the nearest nullable field null, or, before that, what is deferred.
      if (!whole.errors) expect({ data, errors }).toEqual({ data: whole.data, errors: [] })
      else expect(errors.length).toBeGreaterThan(0)
      if (inParts && !whole.errors) counts.inParts++
      counts.parts += parts.length - 1
    }),
    { numRuns },
  )
  return counts
}
