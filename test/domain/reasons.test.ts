import { expect, test } from 'vitest'
import { factsOfReason, reason, REASONS, reasonsIn, type KnownReason } from '../../src/domain/reasons.ts'

const FACTS: Record<string, string> = {
  attempt: '3',
  attempts: '2',
  attribute: 'FS_VERITY',
  days: '30',
  errno: 'EIO',
  free: '1.5 GiB',
  host: 'bcc.bj.baidubce.com',
  job: 'COPY_SNAPSHOT',
  needed: '20.0 MiB',
  place: 'DISK',
  reserved: '512 KiB',
  snapshot: 's-12345678',
  status: 'error_deleting',
  subject: 'DISK',
  time: '2026-11-27T17:14:03.000Z',
  words: 'Quota.Exceeded: too many. Ask for more.',
}

test.each(Object.keys(REASONS) as KnownReason[])(
  'the sentence of %s gives its code and its facts again',
  (code) => {
    const facts = factsOfReason(code).map((name) => FACTS[name])
    expect(reasonsIn(reason(code, FACTS as never))).toEqual([{ code, facts }])
  },
)

test('a reason of several sentences gives each of them, and the words of others as they are', () => {
  expect(reasonsIn(null)).toEqual([])
  expect(reasonsIn(`${REASONS.NOT_DELETED} ${REASONS.PERMISSION_MISSING} ${REASONS.THEN_DELETE}`)).toEqual([
    { code: 'NOT_DELETED', facts: [] },
    { code: 'PERMISSION_MISSING', facts: [] },
    { code: 'THEN_DELETE', facts: [] },
  ])
  expect(reasonsIn(`Cinder answered 500 none. Oh dear. ${REASONS.RETRIED}`)).toEqual([
    { code: 'OTHER', facts: ['Cinder answered 500 none. Oh dear.'] },
    { code: 'RETRIED', facts: [] },
  ])
  expect(reasonsIn('Volume is busy')).toEqual([{ code: 'OTHER', facts: ['Volume is busy'] }])
})

test('a long text of other words takes no longer than it has words', () => {
  const text = 'Attempt 1 to '.repeat(100_000)
  const start = performance.now()
  expect(reasonsIn(text).map(({ code }) => code)).toEqual(['OTHER'])
  expect(performance.now() - start).toBeLessThan(1_000)
})
