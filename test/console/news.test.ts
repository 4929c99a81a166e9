import { expect, test } from 'vitest'
import { newsOfTransition, withNews } from '../../console/live/news.ts'

const disk = (operation: object | null) => ({ __typename: 'Disk', id: 'v-1', operation })
const operation = (cancelRequestedAt: string | null, acceptedAt = '2026-11-27T12:00:00Z') => ({
  kind: 'ROLL_BACK_DISK',
  acceptedAt,
  cancelRequestedAt,
})
const said = (now: object | null) =>
  newsOfTransition({
    __typename: 'DiskTransition',
    to: 'ROLLING_BACK',
    diskId: 'v-1',
    disk: disk(now),
  } as never)

test.each([
  [
    'a transition that is older than a cancellation does not take it back',
    operation(null),
    operation('later'),
    operation('later'),
  ],
  ['an operation that has ended stays ended', null, operation('later'), null],
  [
    'another operation is not cancelled',
    operation(null, '2026-11-27T13:00:00Z'),
    operation('later'),
    operation(null, '2026-11-27T13:00:00Z'),
  ],
])('%s', (_name, now, answered, expected) => {
  expect(withNews({ disk: disk(answered) }, [said(now)])).toEqual({ disk: disk(expected) })
})
