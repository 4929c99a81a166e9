import { expect, test } from 'vitest'
import type { LiveTransition } from '../../console/api/transitions.ts'
import { createOwnWork } from '../../console/api/own-work.ts'

const ME = { kind: 'API_TOKEN', actorId: 'tok-1' } as const
const OTHER = { kind: 'API_TOKEN', actorId: 'tok-2' } as const
const CANCELLED = [{ code: 'CANCELLED', facts: [] }]

let sequence = 0

function snapshot(from: string | null, to: string, rest: object = {}): LiveTransition {
  const own = { __typename: 'SnapshotTransition', snapshotId: 's-1', diskId: 'v-1', actor: ME }
  return { ...own, sequence: ++sequence, from, to, reason: null, reasons: [], ...rest } as never
}

function disk(from: string | null, to: string, rest: object = {}): LiveTransition {
  return { ...snapshot(from, to, rest), __typename: 'DiskTransition' } as never
}

const endsOf = (transitions: LiveTransition[], own: Parameters<typeof createOwnWork>[0] = ME) => {
  const endOf = createOwnWork(own)
  return transitions.map((one) => endOf(one)).map((end) => end && [end.work, end.result])
}

test.each([
  [snapshot('CREATING', 'COMPLETED'), 'CREATE_SNAPSHOT', 'SUCCEEDED'],
  [snapshot('CREATING', 'FAILED', { reason: 'The disk is gone.' }), 'CREATE_SNAPSHOT', 'FAILED'],
  [snapshot('CREATING', 'FAILED', { reasons: CANCELLED }), 'CREATE_SNAPSHOT', 'CANCELLED'],
  [snapshot('DELETING', 'DELETED'), 'DELETE_SNAPSHOT', 'SUCCEEDED'],
  [snapshot('DELETING', 'COMPLETED'), 'DELETE_SNAPSHOT', 'FAILED'],
  [snapshot('DELETING', 'COMPLETED', { reasons: CANCELLED }), 'DELETE_SNAPSHOT', 'CANCELLED'],
  [disk('CREATING', 'UNMOUNTED'), 'CREATE_DISK', 'SUCCEEDED'],
  [disk('CREATING', 'ERROR', { reason: 'No space.' }), 'CREATE_DISK', 'FAILED'],
  [disk('ATTACHING', 'IN_USE'), 'ATTACH_DISK', 'SUCCEEDED'],
  [disk('DETACHING', 'UNMOUNTED'), 'DETACH_DISK', 'SUCCEEDED'],
  [disk('SCALING', 'IN_USE'), 'RESIZE_DISK', 'SUCCEEDED'],
  [disk('ROLLING_BACK', 'UNMOUNTED'), 'ROLL_BACK_DISK', 'SUCCEEDED'],
  [disk('ROLLING_BACK', 'UNMOUNTED', { reason: 'Damaged.' }), 'ROLL_BACK_DISK', 'FAILED'],
  [
    disk('ROLLING_BACK', 'UNMOUNTED', { reason: 'Cancelled.', reasons: CANCELLED }),
    'ROLL_BACK_DISK',
    'CANCELLED',
  ],
  [disk('DELETING', 'DELETED'), 'RELEASE_DISK', 'SUCCEEDED'],
])('%o ends what was started', (transition, work, result) => {
  expect(endsOf([transition])).toEqual([[work, result]])
})

test('what goes on, what was only requested and what another operation does to a disk is no end', () => {
  const transitions = [
    snapshot(null, 'CREATING'),
    snapshot('CREATING', 'CREATING'),
    snapshot('COMPLETED', 'DELETING'),
    snapshot('COMPLETED', 'UNAVAILABLE'),
    disk('UNMOUNTED', 'ROLLING_BACK'),
    disk('ROLLING_BACK', 'ROLLING_BACK'),
    disk('SNAPSHOTTING', 'IN_USE'),
  ]
  expect(endsOf(transitions)).toEqual(transitions.map(() => undefined))
})

test('what others started ends without a notice, also where two JWTs have no name', () => {
  const ended = (actor: object | null) => snapshot('CREATING', 'COMPLETED', { actor })
  expect(endsOf([ended(OTHER), ended({ kind: 'POLICY', actorId: 'asp-1' }), ended(null)])).toEqual(
    [1, 2, 3].map(() => undefined),
  )
  const nameless = { kind: 'JWT', actorId: null } as const
  expect(endsOf([ended(nameless)], nameless)).toEqual([undefined])
})

test('the end of work in a cloud, which has no actor, belongs to the actor who started the work', () => {
  const observed = { actor: null }
  expect(
    endsOf([
      snapshot(null, 'CREATING'),
      snapshot('CREATING', 'COMPLETED', observed),
      snapshot('COMPLETED', 'DELETING', { actor: OTHER }),
      snapshot('DELETING', 'DELETED', observed),
    ]),
  ).toEqual([undefined, ['CREATE_SNAPSHOT', 'SUCCEEDED'], undefined, undefined])
})
