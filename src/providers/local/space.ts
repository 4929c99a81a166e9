import { statfsSync } from 'node:fs'
import type { Refused, Work } from '../provider.ts'
import { codeOf } from './faults.ts'

interface Place {
  /** What needs the space, as in "for the snapshot". */
  of: string
  /** What would be right, as in "where snapshots are kept, then create the snapshot again". */
  remedy: string
  directory: string
  /** How much of the file system of the directory stays free, in bytes: the database and other work need it. */
  minFreeBytes: number
}

/** Work that writes, and fails with ENOSPC before less than this is free. */
export interface LimitedWork extends Work {
  minFreeBytes?: number
}

/** Does work that fills a directory; that there is no room for it is a refusal with the figures, not a fault. */
export async function withinSpace<Outcome>(
  { of, remedy, directory, minFreeBytes }: Place,
  { signal, onProgress }: Work,
  work: (limited: Omit<LimitedWork, 'signal'>) => Promise<Outcome>,
): Promise<Outcome | Refused> {
  let neededBytes = 0
  try {
    return await work({
      minFreeBytes,
      onProgress(doneBytes, totalBytes) {
        neededBytes = totalBytes
        onProgress(doneBytes, totalBytes)
      },
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
        return refuse(
          `${inWords(freeBytes(directory))} are free` +
            (minFreeBytes > 0 ? `, of which ${inWords(minFreeBytes)} stay reserved` : ''),
        )
      case 'EDQUOT':
        return refuse('the quota is used up')
      default:
        throw error
    }
  }
}

/** How much a file system has room for, in bytes; infinite where that is not known: then writing shows it. */
export function freeBytes(path: string): number {
  try {
    const { bavail, bsize, blocks } = statfsSync(path)
    return blocks === 0 ? Infinity : bavail * bsize
  } catch {
    return Infinity
  }
}

function inWords(bytes: number): string {
  if (bytes < 2 ** 20) return `${Math.floor(bytes / 2 ** 10)} KiB`
  return bytes < 2 ** 30 ? `${(bytes / 2 ** 20).toFixed(1)} MiB` : `${(bytes / 2 ** 30).toFixed(1)} GiB`
}
