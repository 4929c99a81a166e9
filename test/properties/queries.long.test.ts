import { expect, test } from 'vitest'
import { askAtRandom } from './queries.ts'

test('none of 10,000 random queries is a fault', async () => {
  const { valid, answered } = await askAtRandom(10_000)

  expect(valid).toBeGreaterThan(5_000)
  expect(answered).toBeGreaterThan(2_000)
}, 1_200_000)
