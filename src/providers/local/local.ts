import { constants } from 'node:fs'
import { chmod, copyFile, open, statfs } from 'node:fs/promises'
import { Worker } from 'node:worker_threads'
import type { CopyOutcome, CopyRequest, DiskObservation, DiskProvider, DiskReference } from '../provider.ts'
import type { CopyJob, CopyMessage, CopyResult } from './copy-worker.ts'
import { openDisk, type DiskFile } from './disk-file.ts'
import { findOccupied, identityOf } from './occupancy.ts'
import {
  discard,
  imageOf,
  preparePartial,
  readManifest,
  sweepShelf,
  type Manifest,
  type PartialCopy,
} from './shelf.ts'

export interface LocalProviderOptions {
  /** Where snapshots are kept; made when it is missing. For reflinks, on the same file system as the disks. */
  snapshotsDir: string
  /** The directories that disks may be in. */
  diskDirs: readonly string[]
  /** How often a disk that is written to while it is copied is copied before the copy is refused; 3 by default. */
  maxAttempts?: number
}

/** Disks that are image files or block devices of this machine; a snapshot is a directory with a copy. */
export function createLocalProvider(options: LocalProviderOptions): DiskProvider {
  const closing = new AbortController()
  const copies = new Set<Promise<CopyOutcome>>()
  return {
    name: 'local',
    observe: (disks) => observe(disks, options.diskDirs),
    async copy(request) {
      const signal = AbortSignal.any([request.signal, closing.signal])
      const copy = copyDisk({ ...request, signal }, options)
      copies.add(copy)
      try {
        return await copy
      } finally {
        copies.delete(copy)
      }
    },
    sweep: () => sweepShelf(options.snapshotsDir),
    async [Symbol.asyncDispose]() {
      closing.abort(new Error('The provider is closed.'))
      await Promise.allSettled(copies)
    },
  }
}

async function observe(
  disks: readonly DiskReference[],
  diskDirs: readonly string[],
): Promise<Map<string, DiskObservation>> {
  const occupied = disks.some(({ instanceId }) => instanceId === null)
    ? await findOccupied()
    : new Set<string>()
  const observations = new Map<string, DiskObservation>()
  for (const disk of disks) {
    const file = await openDisk(disk.location, diskDirs)
    if (!file.ok) {
      observations.set(disk.id, { status: 'ERROR', statusReason: file.reason, sizeBytes: null })
      continue
    }
    await file.handle.close()
    const inUse = disk.instanceId !== null || occupied.has(identityOf(file.stat))
    const status = inUse ? 'IN_USE' : disk.kind === 'DATA' ? 'UNMOUNTED' : 'NORMAL'
    observations.set(disk.id, { status, statusReason: null, sizeBytes: file.sizeBytes })
  }
  return observations
}

async function copyDisk(request: CopyRequest, options: LocalProviderOptions): Promise<CopyOutcome> {
  const { signal } = request
  let neededBytes = 0
  const onProgress: CopyRequest['onProgress'] = (copiedBytes, totalBytes) => {
    neededBytes = totalBytes
    request.onProgress(copiedBytes, totalBytes)
  }
  try {
    signal.throwIfAborted()
    return (await adopt(request, options)) ?? (await copyAnew({ ...request, onProgress }, options))
  } catch (error) {
    signal.throwIfAborted()
    switch ((error as NodeJS.ErrnoException).code) {
      case 'ENOSPC':
        return refused(noSpace(neededBytes, `${inWords(await freeBytes(options.snapshotsDir))} are free`))
      case 'EDQUOT':
        return refused(noSpace(neededBytes, 'the quota is used up'))
      default:
        throw error
    }
  }
}

/** What an earlier attempt has published, if its bytes are still what they were; damaged ones are thrown away. */
async function adopt(
  request: CopyRequest,
  { snapshotsDir }: LocalProviderOptions,
): Promise<CopyOutcome | undefined> {
  const manifest = await readManifest(snapshotsDir, request.snapshotId)
  if (!manifest) return undefined
  await using image = await open(imageOf(snapshotsDir, request.snapshotId))
  const { size: sizeBytes } = await image.stat()
  const job = {
    sourceFd: image.fd,
    location: '',
    isDevice: false,
    sizeBytes,
    imageFd: image.fd,
    isClone: true,
  }
  const read = await copyInWorker(job, { ...request, onProgress: () => undefined })
  if (read.result === 'copied' && read.checksum === manifest.checksum) return copied(manifest)
  await discard(snapshotsDir, request.snapshotId)
  return undefined
}

function copied({ sizeBytes, dataBytes, checksum, consistency }: Manifest): CopyOutcome {
  return {
    outcome: 'copied',
    sizeBytes: BigInt(sizeBytes),
    dataBytes: BigInt(dataBytes),
    checksum,
    consistency,
  }
}

async function copyAnew(request: CopyRequest, options: LocalProviderOptions): Promise<CopyOutcome> {
  const { diskDirs, maxAttempts = 3 } = options
  await using partial = await preparePartial(options.snapshotsDir, request.snapshotId)
  for (let attempt = 1; attempt <= maxAttempts; attempt++) {
    const source = await openDisk(request.disk.location, diskDirs)
    if (!source.ok) return refused(`${source.reason} Put it right, then create the snapshot again.`)
    const copy = await copyOnce(source, partial, request)
    if (copy.result === 'unreadable') {
      return refused('A part of the disk cannot be read. Repair the disk, then create the snapshot again.')
    }
    if (copy.result === 'changed') continue
    request.signal.throwIfAborted()
    const manifest = await partial.publish({
      format: 1,
      snapshotId: request.snapshotId,
      createdAt: new Date().toISOString(),
      sizeBytes: copy.sizeBytes,
      dataBytes: copy.dataBytes,
      checksum: copy.checksum,
      consistency: copy.wasInUse ? 'CRASH_CONSISTENT' : 'CLEAN',
      source: { diskId: request.disk.id, location: request.disk.location },
    })
    return copied(manifest)
  }
  return refused(
    `The disk was written to while it was being copied (${maxAttempts} attempts). ` +
      'Detach the disk or stop writes, then create the snapshot again.',
  )
}

function refused(reason: string): CopyOutcome {
  return { outcome: 'refused', reason }
}

async function isInUse(disk: DiskReference, file: DiskFile): Promise<boolean> {
  return disk.instanceId !== null || (await findOccupied()).has(identityOf(file.stat))
}

async function copyOnce(source: DiskFile, partial: PartialCopy, request: CopyRequest) {
  await using handle = source.handle
  const usedBefore = await isInUse(request.disk, source)
  const isClone = await clone(source, partial.image)
  await using image = await open(partial.image, constants.O_RDWR | constants.O_CREAT, 0o600)
  const sizeBytes = isClone ? (await image.stat()).size : Number(source.sizeBytes)
  const job = {
    sourceFd: handle.fd,
    location: request.disk.location,
    isDevice: source.stat.isBlockDevice(),
    sizeBytes,
    imageFd: image.fd,
    isClone,
  }
  const copy = await copyInWorker(job, request)
  return { ...copy, sizeBytes, wasInUse: usedBefore || (await isInUse(request.disk, source)) }
}

/** Lets the file system share the source's blocks with the image, where it can: instant, and a point in time by itself. */
async function clone(source: DiskFile, image: string): Promise<boolean> {
  if (!source.stat.isFile()) return false
  try {
    await copyFile(`/proc/self/fd/${source.handle.fd}`, image, constants.COPYFILE_FICLONE_FORCE)
    await chmod(image, 0o600)
    return true
  } catch {
    return false
  }
}

/**
 * Returns when the worker is gone, so its files can be closed and removed. The worker is asked to stop, not
 * terminated: termination in the middle of a native call has been seen to end the whole process.
 */
async function copyInWorker(
  job: Omit<CopyJob, 'stop'>,
  { signal, onProgress }: CopyRequest,
): Promise<CopyResult> {
  signal.throwIfAborted()
  const stop = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT))
  const askToStop = (): void => {
    Atomics.store(stop, 0, 1)
    Atomics.notify(stop, 0)
  }
  signal.addEventListener('abort', askToStop)
  const { promise, resolve, reject } = Promise.withResolvers<CopyResult>()
  const worker = new Worker(new URL('./copy-worker.ts', import.meta.url), { workerData: { ...job, stop } })
  let settle = (): void => reject(new Error('The copying thread ended without a result.'))
  worker.on('message', (message: CopyMessage) => {
    if (message.result === 'progress') onProgress(message.copiedBytes, message.totalBytes)
    else settle = () => resolve(message)
  })
  worker.on('error', (error) => (settle = () => reject(error)))
  worker.on('exit', () => settle())
  try {
    return await promise
  } finally {
    signal.removeEventListener('abort', askToStop)
  }
}

function noSpace(neededBytes: number, available: string): string {
  return (
    `There is not enough space for the snapshot: it needs up to ${inWords(neededBytes)}, and ${available}. ` +
    'Free space where snapshots are kept, then create the snapshot again.'
  )
}

async function freeBytes(directory: string): Promise<number> {
  const { bavail, bsize } = await statfs(directory)
  return bavail * bsize
}

function inWords(bytes: number): string {
  return bytes < 2 ** 30 ? `${(bytes / 2 ** 20).toFixed(1)} MiB` : `${(bytes / 2 ** 30).toFixed(1)} GiB`
}
