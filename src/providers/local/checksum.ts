import { createHash, hash } from 'node:crypto'

/** Disks are hashed in chunks of this size, counted from their first byte. */
export const CHUNK_BYTES = 64 * 1024

const ZEROS = Buffer.alloc(CHUNK_BYTES)

/** Whether `length` bytes from `offset` are all zero; at most one chunk. */
export function isZero(bytes: Buffer, offset: number, length: number): boolean {
  return bytes[offset] === 0 && bytes.compare(ZEROS, 0, length, offset, offset + length) === 0
}

/**
 * The checksum of a disk, `sha256-64k:<hex>`. The disk is cut into chunks of 64 KiB, the last one as short as it
 * comes, and the checksum is
 *
 *     SHA-256( size ‖ for each chunk that is not all zero, in order: index ‖ SHA-256(chunk) )
 *
 * with size (in bytes) and index (from 0) as unsigned 64-bit big-endian numbers. Chunks of zeros are left out, so
 * it costs what the data costs, however large the disk is declared, and does not depend on whether zeros are
 * stored or are a hole. The size and the indexes make it unambiguous: any byte that changes, moves, is added or is
 * cut off changes the checksum.
 */
export function startChecksum(sizeBytes: number): {
  /** Adds bytes that begin on a chunk's boundary and, but at the end of the disk, end on one; in order, zeros at will. */
  add: (bytes: Buffer, position: number) => void
  finish: () => string
} {
  const digest = createHash('sha256')
  const size = Buffer.alloc(8)
  size.writeBigUInt64BE(BigInt(sizeBytes))
  digest.update(size)
  const entry = Buffer.alloc(8 + 32)
  return {
    add(bytes, position) {
      for (let offset = 0; offset < bytes.length; offset += CHUNK_BYTES) {
        const length = Math.min(CHUNK_BYTES, bytes.length - offset)
        if (isZero(bytes, offset, length)) continue
        entry.writeBigUInt64BE(BigInt((position + offset) / CHUNK_BYTES))
        hash('sha256', bytes.subarray(offset, offset + length), 'buffer').copy(entry, 8)
        digest.update(entry)
      }
    },
    finish: () => `sha256-64k:${digest.digest('hex')}`,
  }
}
