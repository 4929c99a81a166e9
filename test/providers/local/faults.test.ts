import { constants } from 'node:os'
import { expect, test } from 'vitest'
import { codeOf, lastingReason, PASSING, PassingFault } from '../../../src/providers/local/faults.ts'

const fault = (code: string) => Object.assign(new Error(`${code}: at /a/path`), { code })

test('every error that the system has is either lasting, with a reason without paths, or passing', () => {
  for (const code of Object.keys(constants.errno)) {
    const reason = lastingReason(fault(code))
    expect([code, reason === undefined]).toEqual([code, PASSING.has(code)])
    expect(reason ?? 'A sentence.').toMatch(/^[A-Z][^/]* [^/]*\.$|input\/output/)
  }
})

test.each([
  ['too many open files', fault('EMFILE')],
  ['no memory', fault('ENOMEM')],
  ['a file server that is away', fault('ESTALE')],
  ['another process that holds the lock of the disk', new PassingFault('EBUSY', 'Another process.')],
  ['an error of something else', Object.assign(new Error('locked'), { code: 'SQLITE_BUSY' })],
  ['an error without a code', new Error('The lease was lost.')],
  ['what is no error', undefined],
])('%s passes', (_what, error) => {
  expect(lastingReason(error)).toBeUndefined()
})

test.each(['ENAMETOOLONG', 'EBUSY', 'EFBIG', 'EROFS', 'EACCES', 'EPERM', 'ENOSPC', 'EIO', 'EOPNOTSUPP'])(
  '%s lasts',
  (code) => {
    expect(lastingReason(fault(code))).toEqual(expect.any(String))
  },
)

test('what failed decides, and not what then failed while cleaning up', () => {
  const both = (origin: Error, cleaning: Error) => new SuppressedError(cleaning, origin)
  const lasting = both(both(fault('EROFS'), fault('EMFILE')), fault('ENOMEM'))
  expect([codeOf(lasting), lastingReason(lasting)]).toEqual(['EROFS', lastingReason(fault('EROFS'))])
  const passing = both(fault('EMFILE'), fault('EROFS'))
  expect([codeOf(passing), lastingReason(passing)]).toEqual(['EMFILE', undefined])
})
