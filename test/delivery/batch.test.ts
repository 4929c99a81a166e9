import { expect, test } from 'vitest'
import { Batch } from '../../src/delivery/batch.ts'

const payload = (position: number) => Buffer.from(String(position))
const transition = (position: number) => ({ position, sequence: position, tag: 'tag' })
const batch = new Batch([3, 5, 9].map(transition), [3, 5, 9].map(payload))

test.each([
  ['before the first', 2, [3, 5, 9]],
  ['of the first', 3, [5, 9]],
  ['between two', 4, [5, 9]],
  ['of one in the middle', 5, [9]],
  ['of the last', 9, []],
])('the part after a position %s has none that was seen, and none missing', (_where, seen, left) => {
  const part = batch.after(seen)
  expect([part.transitions, part.payloads]).toEqual([left.map(transition), left.map(payload)])
})
