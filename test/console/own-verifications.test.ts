import { expect, test } from 'vitest'
import type { Activity } from '../../console/api/activity.ts'
import { createOwnVerifications } from '../../console/api/own-verifications.ts'

function verification(id: string, result: Activity['result'], rest: Partial<Activity> = {}): Activity {
  const one = { id, result, subjectId: `s-${id}`, subjectName: `name of ${id}`, reason: null, reasons: [] }
  return { ...one, action: 'VERIFY_SNAPSHOT', ...rest } as never
}

test('each verification that ends is told once; what had ended before the page was opened is not', () => {
  const settle = createOwnVerifications()
  const before = verification('before', 'SUCCEEDED')
  expect(settle([verification('one', 'IN_PROGRESS'), before])).toEqual({ ends: [], verified: ['s-one'] })
  const damage = { reason: 'The stored copy is corrupt.', reasons: [{ code: 'COPY_CORRUPT', facts: [] }] }
  const latest = [verification('quick', 'FAILED', damage as never), verification('one', 'SUCCEEDED'), before]
  const end = { work: 'VERIFY_SNAPSHOT', reason: null, reasons: [], isGone: false }
  expect(settle(latest)).toEqual({
    ends: [
      { ...end, ...damage, key: 'quick', result: 'FAILED', subjectId: 's-quick', name: 'name of quick' },
      { ...end, key: 'one', result: 'SUCCEEDED', subjectId: 's-one', name: 'name of one' },
    ],
    verified: [],
  })
  expect(settle(latest)).toEqual({ ends: [], verified: [] })
})
