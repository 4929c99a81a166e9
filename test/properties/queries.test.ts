import { expect, test } from 'vitest'
import { askAtRandom, askInPartsAtRandom } from './queries.ts'

test('no random query is a fault', async () => {
  const { valid, answered } = await askAtRandom(250)

  expect(valid).toBeGreaterThan(125)
  // A quarter of them is, and by chance fewer.
  expect(answered).toBeGreaterThan(40)
})

test('the parts of a random query are together its answer in one piece', async () => {
  const { inParts } = await askInPartsAtRandom(150)

  expect(inParts).toBeGreaterThan(5)
})
