import { test } from 'vitest'
import { askAndChange } from './never-stale.ts'

test('no answer is older than the database, through 10,000 random interleavings of changes and questions', async () => {
  await askAndChange(10_000, 2)
}, 1_200_000)
