import { realpath } from 'node:fs/promises'
import { sep } from 'node:path'
import type { Database } from '../database/database.ts'
import { readFileOf } from '../database/start.ts'
import { placesProblems, type PlacesOptions } from '../providers/local/places.ts'
import { accountNamed } from './accounts.ts'
import type { Clock, NewId } from './clock.ts'

/** The part of the configuration that says where disks may be. */
interface PlacesConfig {
  diskDirs: readonly string[]
  accountDiskDirs: readonly { account: string; path: string }[]
  snapshotsDir: string
  dataDir: string
  databaseUrl: string
}

/** What is wrong with the directories for disks, as they are now; a line for each problem. */
export async function diskPlacesProblems(config: PlacesConfig): Promise<string[]> {
  return placesProblems({
    ...config,
    accountDirs: config.accountDiskDirs,
    databaseFile: await readFileOf(config),
  })
}

/** Where disks may be. An account that a directory is given to is made when it is missing. */
export async function diskPlaces(
  { diskDirs, accountDiskDirs, snapshotsDir, dataDir, databaseUrl }: PlacesConfig,
  db: Database,
  options: { now: Clock; newId: NewId },
): Promise<PlacesOptions> {
  const accountDirs: { path: string; accountId: string }[] = []
  for (const { account, path } of accountDiskDirs) {
    accountDirs.push({ path, accountId: (await accountNamed(db, account, options)).id })
  }
  return {
    diskDirs,
    accountDirs,
    snapshotsDir,
    dataDir,
    databaseFile: await readFileOf({ databaseUrl, dataDir }),
  }
}

/**
 * Records the locations inside DATA_DIR relative to it, so that it can be moved: earlier versions recorded them from the
 * root. To be called where they were recorded, before anything is moved.
 */
export async function makeLocationsRelative(db: Database, dataDir: string): Promise<void> {
  const prefix = `${await realpath(dataDir)}${sep}`
  const end = `${prefix.slice(0, -1)}${String.fromCharCode(sep.charCodeAt(0) + 1)}`
  await db.$executeRaw`UPDATE "Disk" SET "location" = substr("location", length(${prefix}) + 1)
    WHERE "provider" = 'local' AND "location" >= ${prefix} AND "location" < ${end}`
}
