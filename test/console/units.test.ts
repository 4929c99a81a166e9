import { expect, test } from 'vitest'
import { sizeOf } from '../../console/units.ts'

test.each([
  [0, '0 B'],
  [0.4, '0.4 B'],
  [1_023, '1,023 B'],
  [1_024, '1 KiB'],
  [1_048_575, '1 MiB'],
  [50_000, '48.8 KiB'],
  [64 * 1024 ** 2, '64 MiB'],
  [1024 ** 3 - 1, '1 GiB'],
  [32_765 * 1024 ** 3, '32 TiB'],
  [2 ** 53, '8 PiB'],
  [2 ** 63, '8,192 PiB'],
])('%d bytes are %s', (bytes, text) => {
  expect(sizeOf(bytes, new Intl.NumberFormat('en-GB', { maximumFractionDigits: 1 }))).toBe(text)
})
