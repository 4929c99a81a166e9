import type { BigIntStats } from 'node:fs'
import { readdir, readFile, realpath, stat } from 'node:fs/promises'
import { dirname, isAbsolute, join, sep } from 'node:path'
import { absent } from './faults.ts'
import { PRIVATE_PREFIX } from './open-directory.ts'

export interface PlacesOptions {
  /** The directories that the disks of every account may be in; new disks are made in the first. */
  diskDirs: readonly string[]
  /** Directories for the disks of some accounts alone. */
  accountDirs?: readonly { path: string; accountId: string }[]
  /** Where snapshots are kept. */
  snapshotsDir: string
  /** The gateway's own directory: nothing in it is a disk, except in directories named above. */
  dataDir?: string | undefined
  /** The database and the files beside it, which are never disks. */
  databaseFile?: string | undefined
}

/**
 * Where disks may be. Directories are told by device and inode, so that symbolic links and bind mounts have no say: of the
 * directories above a file, the innermost that is named in the options decides.
 */
export interface Places {
  options: PlacesOptions
  /** What is true now. Keep it for one piece of work only. */
  look: () => Promise<PlacesNow>
  /** The path of a location, which is relative to the gateway's own directory for disks inside it. */
  pathOf: (location: string) => string
  /** The location of a real path. */
  locationOf: (path: string) => Promise<string>
}

export interface PlacesNow {
  /** Whether a disk of this account may be at this real path. */
  allows: (realPath: string, accountId: string | undefined) => Promise<boolean>
  /** Whether this file or device holds what is the gateway's own: its database or the copy of a snapshot. */
  isOwn: (realPath: string, stat: BigIntStats) => Promise<boolean>
  /** Whether something is mounted at this real path. */
  isMountPoint: (realPath: string) => Promise<boolean>
}

const BESIDE_DATABASE = ['', '-wal', '-shm', '-journal']
const AT_ONCE = 64
/** How many files are remembered not to be copies of snapshots. */
const KNOWN_MAX = 100_000

const idOf = ({ dev, ino }: BigIntStats): string => `${dev.toString()}:${ino.toString()}`

const statOf = (path: string): Promise<BigIntStats | undefined> => stat(path, { bigint: true }).catch(absent)

/** Whose disks may be in a directory: every account's, these accounts'; `OWN` is the gateway's, and holds no disks. */
type Owners = 'ALL' | 'OWN' | ReadonlySet<string>

export function createPlaces(options: PlacesOptions): Places {
  const { diskDirs, accountDirs = [], snapshotsDir, dataDir, databaseFile } = options
  const known = new Set<string>()

  async function owners(): Promise<Map<string, Owners>> {
    const found = new Map<string, Owners>()
    const add = async (path: string | undefined, change: (before: Owners | undefined) => Owners) => {
      const there = path === undefined ? undefined : await statOf(path)
      if (there) found.set(idOf(there), change(found.get(idOf(there))))
    }
    for (const path of [dataDir, snapshotsDir]) await add(path, () => 'OWN')
    for (const path of diskDirs) await add(path, (before) => before ?? 'ALL')
    for (const { path, accountId } of accountDirs) {
      await add(path, (before) =>
        before === 'OWN' ? 'OWN' : new Set(typeof before === 'object' ? before : []).add(accountId),
      )
    }
    return found
  }

  /** Files with several names may be copies of snapshots; the others are where they seem to be. */
  async function hasOtherNames(realPath: string, { nlink }: BigIntStats, mounts: readonly string[]) {
    if (nlink > 1n) return true
    const above = mounts.filter((mount) => realPath === mount || realPath.startsWith(mount + sep))
    if (above.length === 0) return false
    const dirs = [...diskDirs, ...accountDirs.map(({ path }) => path)]
    const real = await Promise.all(dirs.map((dir) => realpath(dir).catch(() => dir)))
    return above.some((mount) => real.some((dir) => mount === dir || mount.startsWith(dir + sep)))
  }

  async function isStored(file: BigIntStats): Promise<boolean> {
    if ((await statOf(snapshotsDir))?.dev !== file.dev) return false
    const key = `${idOf(file)}:${file.birthtimeNs.toString()}`
    if (known.has(key)) return false
    const names = await list(snapshotsDir)
    const partial = (await list(join(snapshotsDir, '.partial'))).map((name) => join('.partial', name))
    const images = [...names, ...partial].map((name) => join(snapshotsDir, name, 'image'))
    for (let at = 0; at < images.length; at += AT_ONCE) {
      const stats = await Promise.all(images.slice(at, at + AT_ONCE).map(statOf))
      if (stats.some((image) => image && idOf(image) === idOf(file))) return true
    }
    if (known.size >= KNOWN_MAX) known.clear()
    known.add(key)
    return false
  }

  return {
    options,

    async look() {
      const dirs = await owners()
      const ownFiles = new Set<string>()
      for (const suffix of databaseFile === undefined ? [] : BESIDE_DATABASE) {
        const there = await statOf(`${databaseFile ?? ''}${suffix}`)
        if (there) ownFiles.add(idOf(there))
      }
      const ownDevices = new Set<bigint>()
      for (const path of [dataDir, snapshotsDir, databaseFile]) {
        const there = path === undefined ? undefined : await statOf(path)
        if (there) ownDevices.add(there.dev)
      }
      let mounts: Promise<string[]> | undefined
      const home = diskDirs[0] === undefined ? undefined : await statOf(diskDirs[0])
      const decided = new Map<string, Promise<Owners | undefined>>()
      const ownersOf = (directory: string): Promise<Owners | undefined> => {
        let decision = decided.get(directory)
        if (!decision) decided.set(directory, (decision = decide(directory)))
        return decision
      }
      const decide = async (directory: string): Promise<Owners | undefined> => {
        const there = await statOf(directory)
        const here = there && dirs.get(idOf(there))
        if (here === 'OWN' || (there && home && idOf(there) === idOf(home))) return here
        const parent = dirname(directory)
        const above = parent === directory ? undefined : await ownersOf(parent)
        // Also a named directory holds no disks when it is inside one of the gateway's own.
        return above === 'OWN' ? 'OWN' : (here ?? above)
      }
      return {
        async allows(realPath, accountId) {
          if (realPath.split(sep).some((part) => part.startsWith(PRIVATE_PREFIX))) return false
          const allowed = await ownersOf(dirname(realPath))
          if (allowed === undefined || allowed === 'OWN') return false
          return allowed === 'ALL' || (accountId !== undefined && allowed.has(accountId))
        },
        async isOwn(realPath, file) {
          if (file.isBlockDevice()) return ownDevices.has(file.rdev)
          if (ownFiles.has(idOf(file))) return true
          return (await hasOtherNames(realPath, file, await (mounts ??= mountPoints()))) && isStored(file)
        },
        isMountPoint: async (realPath) => (await (mounts ??= mountPoints())).includes(realPath),
      }
    },

    pathOf: (location) => (isAbsolute(location) ? location : join(dataDir ?? '/', location)),

    async locationOf(path) {
      if (dataDir === undefined) return path
      const home = await realpath(dataDir).catch(() => dataDir)
      return path.startsWith(home + sep) ? path.slice(home.length + 1) : path
    },
  }
}

/** The directories above a path, itself first, by device and inode; the part of it that exists. */
async function identitiesAbove(path: string): Promise<string[]> {
  const there = await realpath(path).catch(() => undefined)
  const parent = dirname(there ?? path)
  const above = parent === (there ?? path) ? [] : await identitiesAbove(parent)
  const here = there === undefined ? undefined : await statOf(there)
  return here ? [idOf(here), ...above] : above
}

/**
 * What is wrong with the directories for disks, one sentence for each: those that hold what is the gateway's own, lie in it,
 * or are given to one account and to all.
 */
export async function placesProblems({
  diskDirs,
  accountDirs,
  snapshotsDir,
  dataDir,
  databaseFile,
}: Omit<PlacesOptions, 'accountDirs'> & {
  accountDirs: readonly { path: string }[]
}): Promise<string[]> {
  const [home, ...common] = diskDirs
  const homeId = home === undefined ? undefined : (await identitiesAbove(home))[0]
  const own: [what: string, path: string | undefined][] = [
    ['DATA_DIR', dataDir],
    ['the directory of snapshots', snapshotsDir],
    ['the database', databaseFile],
  ]
  const problems: string[] = []
  const commonIds = new Set<string>()
  for (const [path, isCommon] of [
    ...common.map((path) => [path, true] as const),
    ...accountDirs.map(({ path }) => [path, false] as const),
  ]) {
    const above = await identitiesAbove(path)
    const here = (await statOf(path)) && above[0]
    if (here !== undefined && isCommon) commonIds.add(here)
    if (here !== undefined && !isCommon && commonIds.has(here))
      problems.push(`DISK_DIRS must give ${path} to all accounts or to one; it does both.`)
    // What is inside DATA_DIR/disks is where disks are anyway.
    const relevant =
      homeId !== undefined && above.includes(homeId) ? above.slice(0, above.indexOf(homeId)) : above
    for (const [what, ownPath] of own) {
      if (ownPath === undefined) continue
      const ownAbove = await identitiesAbove(ownPath)
      const isInside = ownAbove[0] !== undefined && what !== 'the database' && relevant.includes(ownAbove[0])
      const contains = here !== undefined && ownAbove.includes(here)
      if (!isInside && !contains) continue
      problems.push(
        `DISK_DIRS must not name ${path}, which ${contains ? 'contains' : 'is inside'} ${what}: disks would be registered from the gateway's own files.`,
      )
      break
    }
  }
  return problems
}

/** Where something is mounted, as this process sees it; nothing without /proc. */
async function mountPoints(): Promise<string[]> {
  const text = (await readFile('/proc/self/mountinfo', 'utf8').catch(absent)) ?? ''
  return text.split('\n').flatMap((line) => {
    const point = line.split(' ')[4]
    // Spaces, tabs, line feeds and backslashes are written as octal numbers.
    return point === undefined
      ? []
      : [point.replaceAll(/\\(\d{3})/g, (_, octal: string) => String.fromCharCode(parseInt(octal, 8)))]
  })
}

const list = async (dir: string): Promise<string[]> => (await readdir(dir).catch(absent)) ?? []
