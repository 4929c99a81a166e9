import { readSync, writeSync } from 'node:fs'
import { CHUNK_BYTES, isZero } from './checksum.ts'
import { freeBytes } from './space.ts'
import { dropCache, finishWriteback, nextData, punchHole, startWriteback } from './system-calls.ts'

/** The unit in which zeros become holes: the block of common file systems, so no copy takes more room than its source. */
const BLOCK_BYTES = 4 * 1024
const WINDOW_BYTES = 1024 * 1024
/**
 * A copy is handed to its device in spans of this many bytes, and at most two of them are in memory: then the flush
 * at the end stalls nobody, and the memory that others use as a cache stays theirs. It is faster, too.
 */
const SPAN_BYTES = 32 * 1024 * 1024

/** A piece of a disk. Its bytes are valid until the next piece is asked for. */
interface Piece {
  bytes: Buffer
  position: number
}

/** The ranges that may hold data, in order, widened to whole chunks. */
function* dataRanges(fd: number, size: number): Generator<{ start: number; end: number }> {
  for (let from = 0; from < size;) {
    const data = nextData(fd, from, size)
    if (!data) return
    const start = Math.floor(data.start / CHUNK_BYTES) * CHUNK_BYTES
    from = Math.min(Math.ceil(data.end / CHUNK_BYTES) * CHUNK_BYTES, size)
    yield { start, end: from }
  }
}

/** How many bytes `readData` is going to give. */
export function countData(fd: number, size: number): number {
  let count = 0
  for (const { start, end } of dataRanges(fd, size)) count += end - start
  return count
}

/** Reads a disk in order, leaving out its holes, in whole chunks. */
export function* readData(fd: number, size: number): Generator<Piece> {
  const window = Buffer.allocUnsafeSlow(WINDOW_BYTES)
  for (const { start, end } of dataRanges(fd, size)) {
    for (let position = start; position < end; position += WINDOW_BYTES) {
      const bytes = window.subarray(0, Math.min(WINDOW_BYTES, end - position))
      readFully(fd, bytes, position)
      yield { bytes, position }
    }
  }
}

/** Gives back the blocks that a flushed file has reserved and not written. */
export function releaseReserved(fd: number, size: number): void {
  let end = 0
  for (const range of dataRanges(fd, size)) {
    if (range.start > end) punchHole(fd, end, range.start - end)
    end = range.end
  }
  if (size > end) punchHole(fd, end, size - end)
}

/** Reads a flushed disk as `readData` does, but from its device instead of from memory, and leaves none of it in memory. */
export function* readStored(fd: number, size: number): Generator<Piece> {
  dropCache(fd, 0, size)
  let begin = 0
  for (const piece of readData(fd, size)) {
    yield piece
    if (piece.position - begin < SPAN_BYTES) continue
    dropCache(fd, begin, piece.position - begin)
    begin = piece.position
  }
  dropCache(fd, begin, size - begin)
}

/** What lies behind the end of a file that shrinks while it is read counts as zeros; who reads it notices the change. */
function readFully(fd: number, bytes: Buffer, position: number): void {
  for (let done = 0; done < bytes.length;) {
    const read = readSync(fd, bytes, done, bytes.length - done, position + done)
    if (read === 0) bytes.fill(0, done)
    done += read || bytes.length
  }
}

/** The stretches of blocks that are not all zero. */
function* nonZeroRuns(bytes: Buffer): Generator<{ start: number; end: number }> {
  let start: number | undefined
  for (let offset = 0; offset < bytes.length; offset += BLOCK_BYTES) {
    if (!isZero(bytes, offset, Math.min(BLOCK_BYTES, bytes.length - offset))) {
      start ??= offset
    } else if (start !== undefined) {
      yield { start, end: offset }
      start = undefined
    }
  }
  if (start !== undefined) yield { start, end: bytes.length }
}

/** How many of the bytes lie in blocks that are not all zero. */
export function countNonZero(bytes: Buffer): number {
  let count = 0
  for (const { start, end } of nonZeroRuns(bytes)) count += end - start
  return count
}

/**
 * Writes pieces, given in order, into an empty file, and leaves holes for blocks of zeros. Fails with ENOSPC where a piece would
 * leave less than `minFreeBytes` free on the file system.
 */
export function startWriting(fd: number, minFreeBytes: number): (piece: Piece) => void {
  let written = 0
  let begin = 0
  let underway: { offset: number; length: number } | undefined
  return ({ bytes, position }) => {
    if (minFreeBytes > 0 && freeBytes(`/proc/self/fd/${fd}`) - bytes.length < minFreeBytes)
      throw Object.assign(new Error('The rest of the storage is reserved.'), { code: 'ENOSPC' })
    for (const { start, end } of nonZeroRuns(bytes)) {
      for (let done = start; done < end;) done += writeSync(fd, bytes, done, end - done, position + done)
      written += end - start
    }
    if (written < SPAN_BYTES) return
    if (underway) {
      finishWriteback(fd, underway.offset, underway.length)
      dropCache(fd, underway.offset, underway.length)
    }
    underway = { offset: begin, length: position + bytes.length - begin }
    startWriteback(fd, underway.offset, underway.length)
    begin += underway.length
    written = 0
  }
}
