import { expect, test } from 'vitest'
import { askAtRandom } from './queries.ts'

test('no random query is a fault', async () => {
  const { valid, answered } = await askAtRandom(150)

  expect(valid).toBeGreaterThan(75)
  expect(answered).toBeGreaterThan(30)
})
