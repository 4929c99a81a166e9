import type { FileHandle } from 'node:fs/promises'
import { REASONS } from '../../domain/reasons.ts'
import type { CopyReference, Damaged, Done, Work } from '../provider.ts'
import type { CopyJob } from './copy-worker.ts'
import { copyInWorker } from './copying.ts'
import { codeOf } from './faults.ts'
import { damageBy, MISSING, openPublished, preparePartial, readManifest, type Manifest } from './shelf.ts'
import { shareBlocks } from './system-calls.ts'

const UNREADABLE = REASONS.COPY_UNREADABLE
const CHANGED = REASONS.COPY_CORRUPT

/** Reads a copy from its device, and its manifest, and says whether it is what it was. */
export async function verifyCopy(
  { snapshotId, checksum, ...work }: CopyReference & Work,
  snapshotsDir: string,
): Promise<Done | Damaged> {
  const stored = await openStored(snapshotsDir, snapshotId)
  if ('outcome' in stored) return stored
  await using image = stored.image
  const damage = await manifestDamage(snapshotsDir, snapshotId)
  if (damage) return damage
  const { sizeBytes } = stored
  const job = {
    sourceFd: image.fd,
    path: undefined,
    isDevice: false,
    sizeBytes,
    imageFd: image.fd,
    isClone: true,
  }
  return await compared(checksum, job, work)
}

/**
 * Writes the content of a copy to an empty file, flushed and read back. What is written is compared with the checksum, so
 * that when it is done the file is what the snapshot was, and else it is not to be used.
 */
export async function restoreCopy(
  { snapshotId, checksum }: CopyReference,
  target: FileHandle,
  work: Work,
  snapshotsDir: string,
): Promise<Done | Damaged> {
  const stored = await openStored(snapshotsDir, snapshotId)
  if ('outcome' in stored) return stored
  await using image = stored.image
  const { sizeBytes } = stored
  const isClone = await shareBlocks(image.fd, target.fd)
  const job = {
    sourceFd: image.fd,
    path: undefined,
    isDevice: false,
    sizeBytes,
    imageFd: target.fd,
    isClone,
  }
  return await compared(checksum, job, work)
}

/** Copies a published snapshot from one shelf to another, where it is published too, compared with its checksum. */
export async function transferCopy(
  copy: CopyReference,
  { from, to }: { from: string; to: string },
  work: Work,
): Promise<Done | Damaged> {
  let manifest: Manifest | undefined
  try {
    manifest = await readManifest(from, copy.snapshotId)
  } catch (error) {
    return damagedBy(error)
  }
  if (!manifest) return damaged(MISSING)
  await using partial = await preparePartial(to, copy.snapshotId)
  const outcome = await restoreCopy(copy, partial.image, work, from)
  if (outcome.outcome === 'done') await partial.publish(manifest)
  return outcome
}

/** Opens a stored copy. That it is missing, is something else or cannot be read is damage; a passing fault is thrown. */
async function openStored(
  snapshotsDir: string,
  snapshotId: string,
): Promise<{ image: FileHandle; sizeBytes: number } | Damaged> {
  try {
    await using stack = new AsyncDisposableStack()
    const image = stack.use(await openPublished(snapshotsDir, snapshotId, 'image'))
    const { size: sizeBytes } = await image.stat()
    if (!Number.isSafeInteger(sizeBytes)) return damaged(CHANGED)
    stack.move()
    return { image, sizeBytes }
  } catch (error) {
    return damagedBy(error)
  }
}

/** What is wrong with the manifest of a copy; undefined when nothing is. A passing fault is thrown. */
async function manifestDamage(snapshotsDir: string, snapshotId: string): Promise<Damaged | undefined> {
  try {
    const manifest = await readManifest(snapshotsDir, snapshotId)
    return manifest ? undefined : damaged(REASONS.MANIFEST_MISSING)
  } catch (error) {
    return damagedBy(error)
  }
}

async function compared(
  checksum: string,
  job: Omit<CopyJob, 'stop' | 'minFreeBytes'>,
  work: Work,
): Promise<Done | Damaged> {
  try {
    const copy = await copyInWorker(job, work)
    switch (copy.result) {
      case 'copied':
        return copy.checksum === checksum ? { outcome: 'done' } : damaged(CHANGED)
      case 'unreadable':
        return damaged(UNREADABLE)
      case 'changed':
        // Nothing writes to what is published, but it may have got another name or mode.
        throw new Error('The copy was touched while it was read.')
    }
  } catch (error) {
    if (job.imageFd === job.sourceFd) return damagedBy(error)
    // A clone has the blocks of the copy. What is written anew is elsewhere, and its errors are no fault of the copy.
    if (job.isClone && codeOf(error) === 'EIO') return damaged(UNREADABLE)
    throw error
  }
}

/** A lasting error of a copy, as damage; a passing one is thrown. */
function damagedBy(error: unknown): Damaged {
  const damage = damageBy(error)
  if (!damage) throw error
  return damaged(damage.message)
}

function damaged(reason: string): Damaged {
  return { outcome: 'damaged', reason }
}
