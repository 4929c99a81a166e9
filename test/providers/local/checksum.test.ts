import { createHash, randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import { CHUNK_BYTES, startChecksum } from '../../../src/providers/local/checksum.ts'

function checksumOf(bytes: Buffer): string {
  const checksum = startChecksum(bytes.length)
  checksum.add(bytes, 0)
  return checksum.finish()
}

test('the checksum is SHA-256 over the size, and the index and SHA-256 of each chunk that is not all zero', () => {
  const bytes = Buffer.concat([Buffer.alloc(2 * CHUNK_BYTES), Buffer.from('a short last chunk')])
  const size = Buffer.from('0000000000020012', 'hex')
  const index = Buffer.from('0000000000000002', 'hex')
  const chunk = createHash('sha256').update('a short last chunk').digest()
  const expected = createHash('sha256')
    .update(Buffer.concat([size, index, chunk]))
    .digest('hex')
  expect(checksumOf(bytes)).toBe(`sha256-64k:${expected}`)
})

test('zeros that are left out count like zeros that are given', () => {
  const bytes = randomBytes(CHUNK_BYTES)
  const sparse = startChecksum(4 * CHUNK_BYTES)
  sparse.add(bytes, 2 * CHUNK_BYTES)
  const dense = checksumOf(Buffer.concat([Buffer.alloc(2 * CHUNK_BYTES), bytes, Buffer.alloc(CHUNK_BYTES)]))
  expect(sparse.finish()).toBe(dense)
})

test('pieces of any whole number of chunks make the same checksum', () => {
  const bytes = randomBytes(5 * CHUNK_BYTES + 7)
  const pieces = startChecksum(bytes.length)
  pieces.add(bytes.subarray(0, 3 * CHUNK_BYTES), 0)
  pieces.add(bytes.subarray(3 * CHUNK_BYTES, 4 * CHUNK_BYTES), 3 * CHUNK_BYTES)
  pieces.add(bytes.subarray(4 * CHUNK_BYTES), 4 * CHUNK_BYTES)
  expect(pieces.finish()).toBe(checksumOf(bytes))
})

test.each([0, 1, CHUNK_BYTES - 1, CHUNK_BYTES, 2 * CHUNK_BYTES, 2 * CHUNK_BYTES + 99])(
  'another byte at %i makes another checksum',
  (position) => {
    const bytes = Buffer.alloc(2 * CHUNK_BYTES + 100)
    const before = checksumOf(bytes)
    bytes[position] = 1
    expect(checksumOf(bytes)).not.toBe(before)
  },
)

test('the same bytes elsewhere, in another order, or on a disk of another size make another checksum', () => {
  const [a, b, zeros] = [randomBytes(CHUNK_BYTES), randomBytes(CHUNK_BYTES), Buffer.alloc(CHUNK_BYTES)]
  const disks = [
    [a, b],
    [b, a],
    [a, zeros, b],
    [zeros, a, b],
    [a, b, zeros],
    [a, b, Buffer.alloc(1)],
    [a],
    [],
  ]
  const checksums = disks.map((chunks) => checksumOf(Buffer.concat(chunks)))
  expect(new Set(checksums).size).toBe(disks.length)
})
