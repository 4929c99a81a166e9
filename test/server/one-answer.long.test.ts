import { expect, test } from 'vitest'
import { askInEachWay } from './one-answer.ts'

test('20,000 random requests get the same answer on the fast path, with and without kept answers, and off it', async () => {
  const seed = Number(process.env.SEED) || Date.now() % 1_000_000
  console.log(`Seed ${seed}`)
  const { read, changed, kept } = await askInEachWay(20_000, seed)

  expect(read).toBeGreaterThan(3_000)
  expect(changed).toBeGreaterThan(500)
  expect(kept).toBeGreaterThan(500)
}, 1_800_000)
