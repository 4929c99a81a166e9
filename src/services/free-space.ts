import type { Refusal } from '../domain/refusal.ts'
import { spaceRefusals } from '../domain/create-snapshot.ts'
import { freeBytes } from '../providers/local/space.ts'

export interface FreeSpaceOptions {
  /** Directories on the file systems of the database and of the snapshots. */
  directories: readonly string[]
  /** How much of each has to stay free, in bytes. */
  minFreeBytes: number
}

/** Why no new snapshot is accepted because of the storage, as it is now. Costs some microseconds. */
export type SpaceRefusals = () => Refusal[]

export function createFreeSpace({ directories, minFreeBytes }: FreeSpaceOptions): SpaceRefusals {
  return () => directories.flatMap((directory) => spaceRefusals(freeBytes(directory), minFreeBytes))
}
