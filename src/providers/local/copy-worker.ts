import { fstatSync, fsyncSync, ftruncateSync, lstatSync } from 'node:fs'
import { parentPort } from 'node:worker_threads'
import { startChecksum } from './checksum.ts'
import { PASSING } from './faults.ts'
import {
  countData,
  countNonZero,
  readData,
  readStored,
  releaseReserved,
  startWriting,
} from './image-bytes.ts'

/**
 * Attempts to copy disks, one after the other, in a thread of its own: reading, hashing and writing block it, and nobody else.
 * Each message is a job, answered by its progress and its result; an error ends the thread.
 *
 * What makes the copy a point in time. Every write to a file updates its times before its bytes land, so when the
 * file's version (identity, size, times) is the same before the first and after the last byte was read, no write
 * began meanwhile. Three gaps are closed. Times have the grain of the kernel's clock, so the copy begins only when
 * the last write is older than that grain. Stores through a memory map update the times only when they dirty a clean
 * page, so dirty pages are flushed first. A write that had begun before may still be landing: the copy then holds a
 * part of it, as the disk would after a crash at that moment, which is what CRASH_CONSISTENT says.
 *
 * A block device has no such times: it is read twice, the second time not from memory. Bytes that are equal in both
 * readings were there when the first reading ended.
 */

export interface CopyJob {
  sourceFd: number
  /** The path that has to lead to the source still when it has been read; undefined when its name does not matter. */
  path: string | undefined
  isDevice: boolean
  sizeBytes: number
  imageFd: number
  /** The image holds the source already, at a point in time, and only needs to be read. */
  isClone: boolean
  /** The copy fails with ENOSPC before less than this is free where the image is, in bytes. */
  minFreeBytes: number
  /** Shared; set to 1 and notified, it ends the copy soon, with an error. */
  stop: Int32Array
}

export type CopyResult =
  | {
      result: 'copied'
      dataBytes: number
      checksum: string
      /** The moment whose data was read, in milliseconds since the epoch; of a clone, when reading it began. */
      dataAtMs: number
    }
  /** The source was written to, moved or replaced meanwhile. */
  | { result: 'changed' }
  | { result: 'unreadable' }

export type CopyMessage = CopyResult | { result: 'progress'; copiedBytes: number; totalBytes: number }

const CLOCK_GRAIN_MS = 50
/** File systems that keep whole seconds may round to even ones. */
const COARSE_GRAIN_MS = 2_000
/** How long a disk that is being written to gets to come to rest. */
const PATIENCE_MS = 500
const PROGRESS_INTERVAL_MS = 100

let job: CopyJob

function report(message: CopyMessage): void {
  parentPort?.postMessage(message)
}

class Unreadable extends Error {}

parentPort?.on('message', (next: CopyJob) => {
  job = next
  report(attempt())
})

function attempt(): CopyResult {
  try {
    return job.isClone ? readClone() : copy()
  } catch (error) {
    if (error instanceof Unreadable) return { result: 'unreadable' }
    throw error
  }
}

function copy(): CopyResult {
  flushSource()
  const version = restingVersion()
  if (version === undefined || hasOtherSize()) return { result: 'changed' }
  let dataAtMs = Date.now()
  ftruncateSync(job.imageFd, 0)
  ftruncateSync(job.imageFd, job.sizeBytes)
  const checksum = startChecksum(job.sizeBytes)
  const write = startWriting(job.imageFd, job.minFreeBytes)
  const reported = startProgress(countData(job.sourceFd, job.sizeBytes))
  for (const piece of readSource()) {
    checkStop()
    checksum.add(piece.bytes, piece.position)
    write(piece)
    if (reported(piece.bytes.length) && sourceVersion() !== version) return { result: 'changed' }
  }
  if (sourceVersion() !== version) return { result: 'changed' }
  const expected = checksum.finish()
  if (job.isDevice) {
    dataAtMs = Date.now()
    flushSource()
    if (digest(readSource()).checksum !== expected) return { result: 'changed' }
  }
  fsyncSync(job.imageFd)
  const stored = digest(readStored(job.imageFd, job.sizeBytes))
  if (stored.checksum !== expected)
    throw Object.assign(new Error('The copy differs from what was written.'), { code: 'EIO' })
  return { result: 'copied', ...stored, dataAtMs }
}

function readClone(): CopyResult {
  const dataAtMs = Date.now()
  fsyncSync(job.imageFd)
  releaseReserved(job.imageFd, job.sizeBytes)
  const reported = startProgress(countData(job.imageFd, job.sizeBytes))
  return { result: 'copied', ...digest(readStored(job.imageFd, job.sizeBytes), reported), dataAtMs }
}

type Pieces = ReturnType<typeof readData>

function digest(pieces: Pieces, reported?: (bytes: number) => void): { dataBytes: number; checksum: string } {
  const checksum = startChecksum(job.sizeBytes)
  let dataBytes = 0
  for (const { bytes, position } of pieces) {
    checkStop()
    checksum.add(bytes, position)
    dataBytes += countNonZero(bytes)
    reported?.(bytes.length)
  }
  return { dataBytes, checksum: checksum.finish() }
}

function* readSource(): Pieces {
  try {
    yield* (job.isDevice ? readStored : readData)(job.sourceFd, job.sizeBytes)
  } catch (cause) {
    if (PASSING.has((cause as NodeJS.ErrnoException).code ?? '')) throw cause
    throw new Unreadable('The source cannot be read.', { cause })
  }
}

function checkStop(): void {
  if (Atomics.load(job.stop, 0) !== 0) throw new Error('The copy was stopped.')
}

/** Best effort: what cannot be flushed (a read-only file system) has nothing to flush. */
function flushSource(): void {
  try {
    fsyncSync(job.sourceFd)
  } catch {}
}

/** What changes when the source is written to or replaced; undefined when its path leads elsewhere. */
function sourceVersion(): string | undefined {
  const here = fstatSync(job.sourceFd, { bigint: true })
  if (job.path !== undefined) {
    const there = lstatSync(job.path, { bigint: true, throwIfNoEntry: false })
    if (there?.dev !== here.dev || there.ino !== here.ino) return undefined
  }
  if (job.isDevice) return String(here.rdev)
  return [here.dev, here.ino, here.size, here.mtimeNs, here.ctimeNs].join(' ')
}

/** The size was known before the version: between the two, a file can have become longer or shorter. */
function hasOtherSize(): boolean {
  return !job.isDevice && fstatSync(job.sourceFd).size !== job.sizeBytes
}

/** The version of a source whose last write is too old for another one to bear the same time; undefined if it never rests. */
function restingVersion(): string | undefined {
  const start = Date.now()
  for (;;) {
    checkStop()
    const version = sourceVersion()
    if (version === undefined || job.isDevice) return version
    const { mtimeMs, ctimeMs } = fstatSync(job.sourceFd)
    const written = Math.max(mtimeMs, ctimeMs)
    const grain = Number.isInteger(written / 1000) ? COARSE_GRAIN_MS : CLOCK_GRAIN_MS
    if (Math.abs(Date.now() - written) > grain) return version
    if (Date.now() - start > grain + PATIENCE_MS) return undefined
    Atomics.wait(job.stop, 0, 0, CLOCK_GRAIN_MS)
  }
}

/** Counts copied bytes, and reports them at the beginning, at most ten times a second, and at the end. */
function startProgress(totalBytes: number): (bytes: number) => boolean {
  let copiedBytes = 0
  let last = 0
  const reported = (bytes: number): boolean => {
    copiedBytes = Math.min(copiedBytes + bytes, totalBytes)
    const due = Date.now() - last >= PROGRESS_INTERVAL_MS || (copiedBytes === totalBytes && bytes > 0)
    if (due) {
      last = Date.now()
      report({ result: 'progress', copiedBytes, totalBytes })
    }
    return due
  }
  reported(0)
  return reported
}
