import { closeSync, openSync, readSync } from 'node:fs'
import type { WalFrames } from './wal-index.ts'

/**
 * What the bytes of a database file say of the log beside it. To be asked only while this process does not have them open
 * through SQLite: closing a file drops the locks that SQLite has on it (fcntl(2)).
 */

/** Of a write-ahead log, in bytes. Source: https://sqlite.org/fileformat2.html#walformat */
export const WAL_HEADER = 32
export const FRAME_HEADER = 24

/** Where the header of a database has the version that readers need: 2 in WAL mode. Source: fileformat2.html, 1.3. */
const READ_VERSION = { offset: 19, wal: 2 }

/** Whether a database can have a write-ahead log. SQLite applies one that lies beside it even if it cannot. */
export function isInWalMode(database: string): boolean {
  using file = opened(database)
  return file.read(READ_VERSION.offset, 1)[0] === READ_VERSION.wal
}

/**
 * Whether a database has all pages that checkpoints of its log have brought there, as its index counts them. A checkpoint
 * copies the last frame of a page, and only if it copies all up to that: so what was copied and not written again is known.
 */
export function hasCheckpointed(database: string, { salt, written, copied, pageBytes }: WalFrames): boolean {
  using log = opened(`${database}-wal`)
  using file = opened(database)
  const frameAt = (frame: number) => WAL_HEADER + (frame - 1) * (FRAME_HEADER + pageBytes)
  const last = new Map<number, number>()
  /** Pages beyond the smallest size that the database had are not copied. */
  let smallest = Infinity
  for (let frame = 1; frame <= written; frame++) {
    const header = log.read(frameAt(frame), FRAME_HEADER)
    // An index that was not written by the writer of this log proves nothing.
    if (header.length < FRAME_HEADER || new Int32Array(header.buffer, 8, 1)[0] !== salt << 0) return true
    last.set(header.readUInt32BE(0), frame)
    const pages = header.readUInt32BE(4)
    if (pages > 0) smallest = Math.min(smallest, pages)
  }
  for (const [page, frame] of last) {
    if (frame > copied || page > smallest) continue
    const expected = log.read(frameAt(frame) + FRAME_HEADER, pageBytes)
    if (!file.read((page - 1) * pageBytes, pageBytes).equals(expected)) return false
  }
  return true
}

function opened(path: string): Disposable & { read: (position: number, length: number) => Buffer } {
  const file = openSync(path, 'r')
  return {
    read(position, length) {
      const bytes = Buffer.from(new ArrayBuffer(length))
      return bytes.subarray(0, readSync(file, bytes, 0, length, position))
    },
    [Symbol.dispose]: () => closeSync(file),
  }
}
