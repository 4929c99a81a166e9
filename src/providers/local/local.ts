import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import { setTimeout as pause } from 'node:timers/promises'
import type {
  CopyOutcome,
  CopyRequest,
  DiskObservation,
  DiskProvider,
  DiskReference,
  Work,
} from '../provider.ts'
import { clone, copyInWorker, isInUse } from './copying.ts'
import { openDisk, type DiskFile } from './disk-file.ts'
import { attachDisk, createDisk, placeOf, releaseDisk, resizeDisk, rollBackDisk } from './disk-work.ts'
import { findOccupied, identityOf } from './occupancy.ts'
import {
  discard,
  preparePartial,
  readManifest,
  sweepShelf,
  type Manifest,
  type PartialCopy,
} from './shelf.ts'
import { withinSpace } from './space.ts'
import { verifyCopy } from './stored-copy.ts'
import { isOpenOnlyHere } from './system-calls.ts'

/** How many disks are looked at side by side: waiting for one file after the other takes longer than all else. */
const AT_ONCE = 16

/** How long closing the provider waits for work to stop, in milliseconds: a call that the kernel does not end never does. */
const CLOSE_MS = 2_000

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
  const { snapshotsDir, diskDirs } = options
  const closing = new AbortController()
  const underWay = new Set<Promise<unknown>>()

  /** Work that closing the provider stops, and waits for. */
  async function doing<Request extends Work, Outcome>(
    request: Request,
    work: (request: Request, options: LocalProviderOptions) => Promise<Outcome>,
  ): Promise<Outcome> {
    const signal = AbortSignal.any([request.signal, closing.signal])
    signal.throwIfAborted()
    const running = work({ ...request, signal }, options)
    underWay.add(running)
    try {
      return await running
    } finally {
      underWay.delete(running)
    }
  }

  return {
    name: 'local',
    observe: (disks) => observe(disks, diskDirs),
    copy: (request) => doing(request, copyDisk),
    verify: (copy) => doing(copy, (request) => verifyCopy(request, snapshotsDir)),
    holds: async (snapshotId) => (await readManifest(snapshotsDir, snapshotId)) !== undefined,
    remove: (snapshotId) => discard(snapshotsDir, snapshotId),
    place: (diskId) => placeOf(diskId, options),
    create: (work) => doing(work, createDisk),
    rollBack: (work) => doing(work, rollBackDisk),
    resize: (work) => doing(work, resizeDisk),
    attach: (work) => doing(work, attachDisk),
    // Nothing here knows of instances but the record of them.
    detach: () => Promise.resolve({ outcome: 'done' }),
    release: (work) => doing(work, releaseDisk),
    sweep: () => sweepShelf(snapshotsDir),
    async [Symbol.asyncDispose]() {
      closing.abort(new Error('The provider is closed.'))
      await Promise.race([Promise.allSettled(underWay), pause(CLOSE_MS, undefined, { ref: false })])
    },
  }
}

async function observe(
  disks: readonly DiskReference[],
  diskDirs: readonly string[],
): Promise<Map<string, DiskObservation>> {
  const observations = new Map<string, DiskObservation>()
  // Found out at most once, and only when the kernel does not say of a single file that it is free.
  let occupied: Promise<ReadonlySet<string>> | undefined
  const observeOne = async (disk: DiskReference): Promise<DiskObservation> => {
    const file = await openDisk(disk.location, diskDirs)
    if (!file.ok) return { status: 'ERROR', statusReason: file.reason, sizeBytes: null }
    const isFree = disk.instanceId === null && isOpenOnlyHere(file.handle.fd)
    await file.handle.close()
    const inUse =
      disk.instanceId !== null ||
      (!isFree && (await (occupied ??= findOccupied())).has(identityOf(file.stat)))
    const status = inUse ? 'IN_USE' : disk.kind === 'DATA' ? 'UNMOUNTED' : 'NORMAL'
    return { status, statusReason: null, sizeBytes: file.sizeBytes }
  }
  for (let at = 0; at < disks.length; at += AT_ONCE) {
    const some = disks.slice(at, at + AT_ONCE)
    const seen = await Promise.all(some.map(observeOne))
    some.forEach(({ id }, index) => observations.set(id, seen[index] as DiskObservation))
  }
  return observations
}

async function copyDisk(request: CopyRequest, options: LocalProviderOptions): Promise<CopyOutcome> {
  const { snapshotsDir: directory } = options
  const remedy = 'where snapshots are kept, then create the snapshot again'
  return withinSpace({ of: 'the snapshot', remedy, directory }, request, async (onProgress) => {
    const adopted = await adopt(request, options)
    return adopted ?? copyAnew({ ...request, onProgress }, options)
  })
}

/** What an earlier attempt has published, if its bytes are still what they were; damaged ones are thrown away. */
async function adopt(
  { snapshotId, signal }: CopyRequest,
  { snapshotsDir }: LocalProviderOptions,
): Promise<CopyOutcome | undefined> {
  const manifest = await readManifest(snapshotsDir, snapshotId)
  if (!manifest) return undefined
  const { checksum } = manifest
  const onProgress = () => undefined
  const verified = await verifyCopy({ snapshotId, checksum, signal, onProgress }, snapshotsDir)
  if (verified.outcome === 'done') return copied(manifest)
  await discard(snapshotsDir, snapshotId)
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

async function copyOnce(source: DiskFile, partial: PartialCopy, request: CopyRequest) {
  await using handle = source.handle
  const usedBefore = await isInUse(request.disk, source)
  const isClone = source.stat.isFile() && (await clone(handle.fd, partial.image))
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
