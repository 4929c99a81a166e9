import { statfs } from 'node:fs/promises'
import type { Refused, Work } from '../provider.ts'
import { codeOf } from './faults.ts'

interface Place {
  /** What needs the space, as in "for the snapshot". */
  of: string
  /** What would be right, as in "where snapshots are kept, then create the snapshot again". */
  remedy: string
  directory: string
}

/** Does work that fills a directory; that there is no room for it is a refusal with the figures, not a fault. */
export async function withinSpace<Outcome>(
  { of, remedy, directory }: Place,
  { signal, onProgress }: Work,
  work: (onProgress: Work['onProgress']) => Promise<Outcome>,
): Promise<Outcome | Refused> {
  let neededBytes = 0
  try {
    return await work((doneBytes, totalBytes) => {
      neededBytes = totalBytes
      onProgress(doneBytes, totalBytes)
    })
  } catch (error) {
    signal.throwIfAborted()
    const refuse = (available: string): Refused => ({
      outcome: 'refused',
      reason:
        `There is not enough space for ${of}: it needs up to ${inWords(neededBytes)}, and ${available}. ` +
        `Free space ${remedy}.`,
    })
    switch (codeOf(error)) {
      case 'ENOSPC':
        return refuse(`${inWords(await freeBytes(directory))} are free`)
      case 'EDQUOT':
        return refuse('the quota is used up')
      default:
        throw error
    }
  }
}

async function freeBytes(directory: string): Promise<number> {
  const { bavail, bsize } = await statfs(directory)
  return bavail * bsize
}

function inWords(bytes: number): string {
  if (bytes < 2 ** 20) return `${Math.floor(bytes / 2 ** 10)} KiB`
  return bytes < 2 ** 30 ? `${(bytes / 2 ** 20).toFixed(1)} MiB` : `${(bytes / 2 ** 30).toFixed(1)} GiB`
}
