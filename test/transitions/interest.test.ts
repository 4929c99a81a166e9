import { expect, test } from 'vitest'
import { concerns, InterestIndex } from '../../src/transitions/interest.ts'
import type { Transition } from '../../src/transitions/transition.ts'

const transition: Transition = {
  position: 1,
  sequence: 1,
  tag: 'tag',
  accountId: 'acc-one00000',
  snapshotId: 's-00000001',
  snapshotName: 'snapshot-1',
  snapshotType: 'MANUAL',
  snapshotTags: null,
  diskId: 'v-00000001',
  from: null,
  to: 'CREATING',
  reason: null,
  actor: null,
  at: new Date(0),
  upstreamAt: null,
}

test.each([
  {},
  { snapshotIds: ['s-00000001'] },
  { diskIds: ['v-00000001'] },
  { snapshotIds: ['s-00000001'], diskIds: ['v-00000001'], to: ['CREATING' as const] },
])('another account is never told of a transition, with any filter: %j', (wanted) => {
  const index = new InterestIndex()
  const told: string[] = []
  for (const accountId of ['acc-one00000', 'acc-two00000'])
    index.add({ accountId, ...wanted }, { push: () => told.push(accountId) })

  index.tell(transition)

  expect(told).toEqual(['acc-one00000'])
  expect(concerns({ accountId: 'acc-two00000', ...wanted }, transition)).toBe(false)
})
