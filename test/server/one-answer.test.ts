import { expect, test } from 'vitest'
import { askInEachWay } from './one-answer.ts'

test('random requests get the same answer on the fast path, with and without kept answers, and off it', async () => {
  const seed = Date.now() % 1_000_000
  const { read, changed, kept } = await askInEachWay(150, seed)

  expect(read, `seed ${seed}`).toBeGreaterThan(15)
  expect(changed, `seed ${seed}`).toBeGreaterThan(2)
  expect(kept, `seed ${seed}`).toBeGreaterThan(0)
}, 120_000)
