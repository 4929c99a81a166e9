import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import type { CopyReference, Damaged, Done, Work } from '../provider.ts'
import { clone, copyInWorker } from './copying.ts'
import { imageOf } from './shelf.ts'

const MISSING = 'The copy is missing.'
const UNREADABLE = 'A part of the copy cannot be read.'
const CHANGED = 'The bytes of the copy are not those that were stored: its checksum is another.'

/** Reads a copy from its device, and says whether it is what it was. */
export async function verifyCopy(
  { snapshotId, checksum, ...work }: CopyReference & Work,
  snapshotsDir: string,
): Promise<Done | Damaged> {
  await using image = await openStored(imageOf(snapshotsDir, snapshotId))
  if (!image) return damaged(MISSING)
  const { size: sizeBytes } = await image.stat()
  const job = {
    sourceFd: image.fd,
    location: '',
    isDevice: false,
    sizeBytes,
    imageFd: image.fd,
    isClone: true,
  }
  return await compared(checksum, () => copyInWorker(job, work))
}

/**
 * Writes the content of a copy to a new file, flushed and read back. What is written is compared with the checksum, so
 * that when it is done the file is what the snapshot was, and else it is not to be used.
 */
export async function restoreCopy(
  { snapshotId, checksum }: CopyReference,
  target: string,
  work: Work,
  snapshotsDir: string,
): Promise<Done | Damaged> {
  const location = imageOf(snapshotsDir, snapshotId)
  await using stored = await openStored(location)
  if (!stored) return damaged(MISSING)
  const { size: sizeBytes } = await stored.stat()
  const isClone = await clone(stored.fd, target)
  await using image = await open(target, constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW, 0o600)
  const job = { sourceFd: stored.fd, location, isDevice: false, sizeBytes, imageFd: image.fd, isClone }
  return await compared(checksum, () => copyInWorker(job, work))
}

async function openStored(image: string) {
  try {
    return await open(image, constants.O_RDONLY | constants.O_NOFOLLOW)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

async function compared(
  checksum: string,
  read: () => ReturnType<typeof copyInWorker>,
): Promise<Done | Damaged> {
  try {
    const copy = await read()
    switch (copy.result) {
      case 'copied':
        return copy.checksum === checksum ? { outcome: 'done' } : damaged(CHANGED)
      case 'unreadable':
        return damaged(UNREADABLE)
      case 'changed':
        // Nobody writes to what is published.
        throw new Error('The copy was touched while it was read.')
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EIO') return damaged(UNREADABLE)
    throw error
  }
}

function damaged(reason: string): Damaged {
  return { outcome: 'damaged', reason }
}
