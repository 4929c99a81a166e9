import { expect, test } from 'vitest'
import { formatDuration } from '../../console/duration.ts'

test.each([
  [-5, '0 s'],
  [0, '0 s'],
  [49, '0 s'],
  [1_250, '1.3 s'],
  [59_940, '59.9 s'],
  [59_960, '1 min'],
  [60_000, '1 min'],
  [65_000, '1 min 5 s'],
  [119_400, '1 min 59 s'],
  [119_600, '2 min'],
  [3_599_400, '59 min 59 s'],
  [3_599_600, '1 h'],
  [10_800_000, '3 h'],
  [10_860_000, '3 h 1 min'],
  [86_380_000, '23 h 59 min'],
  [86_399_000, '23 h 59 min'],
  [86_399_600, '1 d'],
  [2 * 86_400_000 + 4 * 3_600_000, '2 d 4 h'],
])('%d ms are %s', (milliseconds, text) => {
  expect(formatDuration(milliseconds, String)).toBe(text)
})
