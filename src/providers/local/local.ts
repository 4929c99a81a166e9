import { accessSync, constants } from 'node:fs'
import type { FileHandle } from 'node:fs/promises'
import { dirname } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { reason, REASONS } from '../../domain/reasons.ts'
import type {
  CaptureRequest,
  CopyOutcome,
  CopyRequest,
  DiskObservation,
  DiskProvider,
  DiskReference,
  Refused,
  Work,
} from '../provider.ts'
import { cut } from '../text.ts'
import { copyInWorker, isInUse } from './copying.ts'
import { openDisk, resolveDiskPath, type DiskFile, type DiskFileRefusal } from './disk-file.ts'
import {
  attachDisk,
  cleanDisk,
  createDisk,
  placeOf,
  releaseDisk,
  resizeDisk,
  rollBackDisk,
} from './disk-work.ts'
import { lastingReason, originOf } from './faults.ts'
import { findOccupied, identityOf } from './occupancy.ts'
import { backUp, createMonitors, type FoundDisk, type HeldDisk, type Monitors } from './monitors.ts'
import { createPlaces, type Places, type PlacesOptions } from './places.ts'
import {
  DamagedCopy,
  discard,
  discardCapture,
  isOnShelf,
  keepCapture,
  openCapture,
  preparePartial,
  readManifest,
  sweepShelf,
  type Manifest,
  type PartialCopy,
} from './shelf.ts'
import { Declined } from './qmp.ts'
import { freeBytes, withinSpace, type LimitedWork } from './space.ts'
import { verifyCopy } from './stored-copy.ts'
import { isOpenOnlyHere, reserveBlocks, shareBlocks } from './system-calls.ts'

/** How many disks are looked at side by side: waiting for one file after the other takes longer than all else. */
const AT_ONCE = 16

/** For how long, in milliseconds, a directory whose files cannot be cloned is not tried again. */
const UNSHARED_MS = 60_000

/** How long closing the provider waits for work to stop, in milliseconds: a call that the kernel does not end never does. */
const CLOSE_MS = 2_000

export interface LocalProviderOptions extends PlacesOptions {
  /** The label of the host whose bytes these are; `local` by default. */
  host?: string
  /** How often a disk that is written to while it is copied is copied before the copy is refused; 3 by default. */
  maxAttempts?: number
  /** How much of each file system stays free of copies, in bytes; nothing by default. */
  minFreeBytes?: number
  /** Sockets of QEMU monitors, or directories of them, by which disks that QEMU has open are copied; none by default. */
  qmpSockets?: readonly string[]
}

interface Local {
  snapshotsDir: string
  places: Places
  maxAttempts: number
  minFreeBytes: number
  monitors: Monitors
}

export interface LocalProvider extends DiskProvider {
  /** Where disks may be, and by what locations they are known. */
  places: Places
  /** The location of the file or device at a path, if an account may register it as a disk. */
  locate: (
    path: string,
    accountId: string,
  ) => Promise<{ ok: true; location: string; sizeBytes: bigint } | DiskFileRefusal>
}

/** Disks that are image files or block devices of this machine; a snapshot is a directory with a copy. */
export function createLocalProvider({
  host = 'local',
  maxAttempts = 3,
  minFreeBytes = 0,
  qmpSockets = [],
  ...options
}: LocalProviderOptions): LocalProvider {
  const { snapshotsDir } = options
  const places = createPlaces(options)
  const monitors = createMonitors(qmpSockets)
  const local = { snapshotsDir, places, maxAttempts, minFreeBytes, monitors }
  const closing = new AbortController()
  const underWay = new Set<Promise<unknown>>()
  /** Until when the disks of a directory are not captured, because their blocks cannot be shared. */
  const unshared = new Map<string, number>()

  async function capture(request: CaptureRequest): Promise<void> {
    const directory = dirname(places.pathOf(request.disk.location))
    if ((unshared.get(directory) ?? 0) > performance.now()) return
    if (await captureDisk(request, local)) unshared.delete(directory)
    else unshared.set(directory, performance.now() + UNSHARED_MS)
  }

  /** Work that closing the provider stops, and waits for. */
  async function doing<Request extends Work, Outcome>(
    request: Request,
    work: (request: Request, local: Local) => Promise<Outcome>,
  ): Promise<Outcome> {
    const signal = AbortSignal.any([request.signal, closing.signal])
    signal.throwIfAborted()
    const running = work({ ...request, signal }, local)
    underWay.add(running)
    try {
      return await running
    } finally {
      underWay.delete(running)
    }
  }

  /** The same, where a fault that lasts ends the work with its reason. */
  const ending = async <Request extends Work, Outcome>(
    request: Request,
    work: (request: Request, local: Local) => Promise<Outcome>,
  ): Promise<Outcome | Refused> => {
    try {
      return await doing(request, work)
    } catch (error) {
      if (request.signal.aborted) throw error
      const { outcome, reason: why } = refusedBy(error)
      return { outcome, reason: `${why} ${REASONS.THEN_TRY}` }
    }
  }

  return {
    name: 'local',
    host,
    /** It needs no credentials: only a directory for snapshots, which it can write to. */
    problem: () =>
      isWritable(snapshotsDir) ? undefined : 'The directory of snapshots cannot be written to.',
    places,
    async locate(path, accountId) {
      const found = await resolveDiskPath(path, await places.look(), accountId)
      if (!found.ok) return found
      return { ok: true, location: await places.locationOf(found.path), sizeBytes: found.sizeBytes }
    },
    observe: (disks) => observe(disks, places),
    capture,
    async copy(request) {
      const outcome = await ending(request, copyDisk)
      await discardCapture(snapshotsDir, request.snapshotId)
      return outcome
    },
    verify: (copy) => doing(copy, (request) => verifyCopy(request, snapshotsDir)),
    holds: (snapshotId) => isOnShelf(snapshotsDir, snapshotId),
    delete: (snapshotId, commit) =>
      discard(snapshotsDir, snapshotId, commit).then(() => ({ outcome: 'done' as const }), refusedBy),
    place: (diskId) => placeOf(diskId, places),
    create: (work) => ending(work, createDisk),
    rollBack: (work) => ending(work, rollBackDisk),
    resize: (work) => ending(work, resizeDisk),
    attach: (work) => ending(work, attachDisk),
    // Nothing here knows of instances but the record of them.
    detach: () => Promise.resolve({ outcome: 'done' }),
    release: (work) => ending(work, releaseDisk),
    clean: (disk) => cleanDisk(disk, local).then(() => ({ outcome: 'done' as const }), refusedBy),
    async sweep(waiting) {
      // A monitor can hang, and nothing has to wait for it: who uses it clears it first.
      monitors.sweep()
      await sweepShelf(snapshotsDir, waiting)
    },
    async [Symbol.asyncDispose]() {
      closing.abort(new Error('The provider is closed.'))
      await Promise.race([Promise.allSettled(underWay), pause(CLOSE_MS, undefined, { ref: false })])
    },
  }
}

function isWritable(directory: string): boolean {
  try {
    accessSync(directory, constants.W_OK | constants.X_OK)
    return true
  } catch {
    return false
  }
}

/** A lasting fault, as a refusal with its reason; a passing one is thrown. */
function refusedBy(error: unknown): Refused {
  const why = lastingReason(error)
  if (why === undefined) throw error
  return { outcome: 'refused', reason: why }
}

async function observe(
  disks: readonly DiskReference[],
  places: Places,
): Promise<Map<string, DiskObservation | Error>> {
  const observations = new Map<string, DiskObservation | Error>()
  // Found out at most once, and only when the kernel does not say of a single file that it is free.
  let occupied: Promise<ReadonlySet<string>> | undefined
  const now = await places.look()
  const observeOne = async (disk: DiskReference): Promise<DiskObservation> => {
    const file = await openDisk(places.pathOf(disk.location), now, disk.accountId)
    if (!file.ok) return { status: 'ERROR', statusReason: file.reason, sizeBytes: null, identity: null }
    const isFree = disk.instanceId === null && isOpenOnlyHere(file.handle.fd)
    await file.handle.close()
    const inUse =
      disk.instanceId !== null ||
      (!isFree && (await (occupied ??= findOccupied())).has(identityOf(file.stat)))
    const status = inUse ? 'IN_USE' : disk.kind === 'DATA' ? 'UNMOUNTED' : 'NORMAL'
    return { status, statusReason: null, sizeBytes: file.sizeBytes, identity: identityOf(file.stat) }
  }
  for (let at = 0; at < disks.length; at += AT_ONCE) {
    const some = disks.slice(at, at + AT_ONCE)
    const seen = await Promise.all(some.map((disk) => observeOne(disk).catch(asError)))
    some.forEach(({ id }, index) => observations.set(id, seen[index] as DiskObservation | Error))
  }
  return observations
}

const asError = (error: unknown): Error => (error instanceof Error ? error : new Error(String(error)))

async function copyDisk(request: CopyRequest, local: Local): Promise<CopyOutcome> {
  const { snapshotsDir: directory, minFreeBytes } = local
  return await withinSpace({ need: 'SNAPSHOT', directory, minFreeBytes }, request, async (within) => {
    const work = { ...request, ...within }
    return (await adopt(work, local)) ?? (await copyCaptured(work, local)) ?? (await copyAnew(work, local))
  })
}

/**
 * Clones a disk for the copy that follows: a point in time by itself, in an instant. False when the file system cannot; true
 * also for a disk that is not there to be cloned.
 */
async function captureDisk(
  { snapshotId, disk }: CaptureRequest,
  { snapshotsDir, places }: Local,
): Promise<boolean> {
  const source = await openDisk(places.pathOf(disk.location), await places.look(), disk.accountId)
  if (!source.ok) return true
  await using handle = source.handle
  if (!source.stat.isFile()) return false
  let isShared = false
  await keepCapture(snapshotsDir, snapshotId, async (image) => {
    const usedBefore = await isInUse(disk, source)
    isShared = await shareBlocks(handle.fd, image.fd)
    if (!isShared) return undefined
    const dataAt = new Date().toISOString()
    const wasInUse = usedBefore || (await isInUse(disk, source))
    return { dataAt, consistency: wasInUse ? 'CRASH_CONSISTENT' : 'CLEAN' }
  })
  return isShared
}

/** Makes the copy of what was captured when the snapshot was accepted; undefined when nothing was, or it cannot be used. */
async function copyCaptured(request: CopyRequest, { snapshotsDir }: Local): Promise<CopyOutcome | undefined> {
  await using captured = await openCapture(snapshotsDir, request.snapshotId)
  if (!captured) return undefined
  await using partial = await preparePartial(snapshotsDir, request.snapshotId)
  const { image } = partial
  if (!(await shareBlocks(captured.image.fd, image.fd))) return undefined
  const { size: sizeBytes } = await image.stat()
  const job = { sourceFd: image.fd, path: '', isDevice: false, sizeBytes, imageFd: image.fd, isClone: true }
  const copy = await copyInWorker(job, request)
  if (copy.result !== 'copied') return refused(UNREADABLE)
  request.signal.throwIfAborted()
  const { dataAt, consistency } = captured
  return copied(await partial.publish(manifestOf(request, { ...copy, sizeBytes, dataAt, consistency })))
}

function manifestOf(
  { snapshotId, disk }: CaptureRequest,
  copy: Pick<Manifest, 'sizeBytes' | 'dataBytes' | 'checksum' | 'consistency' | 'dataAt'>,
): Manifest {
  const { sizeBytes, dataBytes, checksum, consistency, dataAt } = copy
  return {
    format: 1,
    snapshotId,
    createdAt: new Date().toISOString(),
    sizeBytes,
    dataBytes,
    checksum,
    consistency,
    dataAt,
    source: { diskId: disk.id, location: disk.location },
  }
}

/** What an earlier attempt has published, if its bytes are still what they were; whatever else is in its place is thrown away. */
async function adopt(
  { snapshotId, signal }: CopyRequest,
  { snapshotsDir }: Local,
): Promise<CopyOutcome | undefined> {
  try {
    const manifest = await readManifest(snapshotsDir, snapshotId)
    if (!manifest && !(await isOnShelf(snapshotsDir, snapshotId))) return undefined
    if (manifest) {
      const { checksum } = manifest
      const onProgress = () => undefined
      const verified = await verifyCopy({ snapshotId, checksum, signal, onProgress }, snapshotsDir)
      if (verified.outcome === 'done') return copied(manifest)
    }
  } catch (error) {
    if (!(error instanceof DamagedCopy)) throw error
  }
  await discard(snapshotsDir, snapshotId)
  return undefined
}

function copied({ sizeBytes, dataBytes, checksum, consistency, dataAt, createdAt }: Manifest): CopyOutcome {
  return {
    outcome: 'copied',
    sizeBytes: BigInt(sizeBytes),
    dataBytes: BigInt(dataBytes),
    checksum,
    consistency,
    dataAt: new Date(dataAt ?? createdAt),
  }
}

type LimitedCopy = CopyRequest & Pick<LimitedWork, 'minFreeBytes'>

async function copyAnew(request: LimitedCopy, local: Local): Promise<CopyOutcome> {
  const { snapshotsDir, places, maxAttempts } = local
  const { disk } = request
  const path = places.pathOf(disk.location)
  await using partial = await preparePartial(snapshotsDir, request.snapshotId)
  /** Why a monitor, which may have the disk, could not be asked. */
  let unasked: string | undefined
  for (let attempt = 1; attempt <= maxAttempts; attempt++) {
    const source = await openDisk(path, await places.look(), disk.accountId)
    if (!source.ok) return refused(`${source.reason} ${REASONS.REPAIR_AND_CREATE_SNAPSHOT}`)
    const copy = await copyOnce(source, path, partial, { request, local, unasked })
    if (copy.result === 'unreadable') return refused(UNREADABLE)
    if (copy.result === 'declined') return refused(copy.reason)
    unasked ??= copy.unasked
    if (copy.result === 'changed') continue
    request.signal.throwIfAborted()
    return copied(await partial.publish(manifestOf(request, copy)))
  }
  const why = unasked === undefined ? '' : ` ${reason('MONITOR_UNUSABLE', { errno: unasked })}`
  return refused(`${reason('DISK_WRITTEN', { attempts: maxAttempts })}${why}`)
}

const UNREADABLE = REASONS.DISK_UNREADABLE

function refused(why: string): CopyOutcome {
  return { outcome: 'refused', reason: why }
}

async function copyOnce(
  source: DiskFile,
  path: string,
  { image }: PartialCopy,
  { request, local, unasked: before }: { request: LimitedCopy; local: Local; unasked: string | undefined },
) {
  await using handle = source.handle
  const usedBefore = await isInUse(request.disk, source)
  await image.truncate(0)
  const isClone = source.stat.isFile() && (await shareBlocks(handle.fd, image.fd))
  const clonedAt = new Date()
  const mayBeHeld = !isClone && before === undefined && !isOpenOnlyHere(handle.fd)
  const { held, unasked }: FoundDisk = mayBeHeld ? await local.monitors.find(source) : {}
  if (held) {
    using _held = held
    const copy = await copyThroughQemu(held, source, image, request)
    if (copy) return copy
  }
  const sizeBytes = isClone ? (await image.stat()).size : Number(source.sizeBytes)
  // It has grown since it was opened; the next attempt says why it is no disk.
  if (!Number.isSafeInteger(sizeBytes)) return { result: 'changed' as const, unasked }
  const job = {
    sourceFd: handle.fd,
    path,
    isDevice: source.stat.isBlockDevice(),
    sizeBytes,
    imageFd: image.fd,
    isClone,
  }
  const copy = await copyInWorker(job, request)
  if (copy.result !== 'copied') return { ...copy, unasked }
  const wasInUse = usedBefore || (await isInUse(request.disk, source))
  return {
    ...copy,
    unasked,
    sizeBytes,
    dataAt: (isClone ? clonedAt : new Date(copy.dataAtMs)).toISOString(),
    consistency: wasInUse ? ('CRASH_CONSISTENT' as const) : ('CLEAN' as const),
  }
}

/**
 * Has the QEMU process that writes to the disk copy it, at the moment at which it begins to. Undefined, with nothing changed,
 * where there is no room to reserve all of the disk: such a copy has no holes until it is complete.
 */
async function copyThroughQemu(held: HeldDisk, source: DiskFile, image: FileHandle, request: LimitedCopy) {
  const sizeBytes = Number(source.sizeBytes)
  const free = freeBytes(`/proc/self/fd/${image.fd}`) - (request.minFreeBytes ?? 0)
  if (!Number.isSafeInteger(sizeBytes) || free < sizeBytes) return undefined
  await image.truncate(sizeBytes)
  await reserveBlocks(image.fd, sizeBytes)
  let dataAtMs
  try {
    dataAtMs = await backUp(held, { ...request, image, sizeBytes })
  } catch (error) {
    if (!(originOf(error) instanceof Declined)) throw error
    return { result: 'declined' as const, reason: reason('QEMU_REFUSED', { words: wordsOf(error) }) }
  }
  const job = { sourceFd: image.fd, path: undefined, isDevice: false, sizeBytes, imageFd: image.fd }
  const copy = await copyInWorker({ ...job, isClone: true }, { ...request, onProgress: () => undefined })
  if (copy.result !== 'copied') return { ...copy, unasked: undefined }
  const dataAt = new Date(dataAtMs).toISOString()
  return { ...copy, unasked: undefined, sizeBytes, dataAt, consistency: 'CRASH_CONSISTENT' as const }
}

/** QEMU's own words, on one line and without paths. */
function wordsOf(error: unknown): string {
  return cut((originOf(error) as Error).message.replaceAll(/(["'])?\/[^\s"':]*\1/g, '…'))
}
