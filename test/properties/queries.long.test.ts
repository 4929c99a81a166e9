import { expect, test } from 'vitest'
import { askAtRandom, askInPartsAtRandom } from './queries.ts'

test('none of 10,000 random queries is a fault', async () => {
  const { valid, answered } = await askAtRandom(10_000)

  expect(valid).toBeGreaterThan(5_000)
  expect(answered).toBeGreaterThan(2_000)
}, 1_200_000)

test('the parts of each of 5,000 random queries are together its answer in one piece', async () => {
  const { inParts } = await askInPartsAtRandom(5_000)

  expect(inParts).toBeGreaterThan(500)
}, 1_200_000)
