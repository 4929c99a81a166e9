import type { Refusal } from '../domain/refusal.ts'
import { spaceRefusals } from '../domain/create-snapshot.ts'
import { freeBytes } from '../providers/local/space.ts'

export interface FreeSpaceOptions {
  /** Whose storage that is; what other hosts have free is seen there. */
  host: string
  /** Directories on the file systems of the database and of the snapshots. */
  directories: readonly string[]
  /** How much of each has to stay free, in bytes. */
  minFreeBytes: number
}

/** Why no new snapshot is accepted because of the storage of a host, as it is now. Costs some microseconds. */
export type SpaceRefusals = (host: string) => Refusal[]

export function createFreeSpace({ host, directories, minFreeBytes }: FreeSpaceOptions): SpaceRefusals {
  return (wanted) =>
    wanted === host
      ? directories.flatMap((directory) => spaceRefusals(freeBytes(directory), minFreeBytes))
      : []
}
