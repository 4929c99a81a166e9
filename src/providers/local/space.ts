import { statfsSync } from 'node:fs'
import { reason, type SpaceNeed } from '../../domain/reasons.ts'
import type { Refused, Work } from '../provider.ts'
import { codeOf } from './faults.ts'

interface Place {
  need: SpaceNeed
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
  { need, directory, minFreeBytes }: Place,
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
    const facts = { subject: need, place: need, needed: inWords(neededBytes) }
    switch (codeOf(error)) {
      case 'ENOSPC': {
        const free = inWords(freeBytes(directory))
        return refused(
          minFreeBytes > 0
            ? reason('SPACE_RESERVED', { ...facts, free, reserved: inWords(minFreeBytes) })
            : reason('SPACE_SHORT', { ...facts, free }),
        )
      }
      case 'EDQUOT':
        return refused(reason('SPACE_QUOTA', facts))
      default:
        throw error
    }
  }
}

function refused(why: string): Refused {
  return { outcome: 'refused', reason: why }
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
