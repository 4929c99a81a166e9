import { constants } from 'node:fs'
import { access, readdir, stat } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { diskDir } from './config.ts'

type Variables = Record<string, string | undefined>

/**
 * What is wrong with the directories and files that variables name, one line for each, before any of them is made or
 * opened. A variable that is malformed itself is passed over.
 */
export async function problemsOfPlaces(variables: Variables): Promise<string[]> {
  const dataDir = resolve(variables['DATA_DIR'] || './data')
  const [, database] =
    /^file:([^?#]+)$/.exec(variables['DATABASE_URL'] || `file:${join(dataDir, 'snapgate.db')}`) ?? []
  const diskDirs = (variables['DISK_DIRS'] ?? '').split(':').filter(Boolean).map(diskDir)
  const documents = (variables['TRUSTED_DOCUMENTS'] ?? '').split(':').filter(Boolean)
  const dataProblem =
    (await whyNotWritable(dataDir)) ??
    (await whyNotWritable(join(dataDir, 'disks'))) ??
    (await whyNotWritable(join(dataDir, 'snapshots')))
  // In a data directory that cannot be used there is nothing more to say of the database.
  const isElsewhere = Boolean(variables['DATABASE_URL'])
  const databaseProblem =
    database === undefined || (dataProblem !== undefined && !isElsewhere)
      ? undefined
      : await whyNoDatabase(resolve(database))
  return [
    dataProblem && `DATA_DIR must be a directory that can be written; ${dataProblem}.`,
    databaseProblem && `DATABASE_URL must name a file that can be written; ${databaseProblem}.`,
    ...(await Promise.all(
      diskDirs.map(async ({ path, problem: malformed }) => {
        if (malformed !== undefined) return undefined
        const problem = await failure(() => readdir(resolve(path)), resolve(path))
        return problem && `DISK_DIRS must name directories that can be read; ${problem}.`
      }),
    )),
    ...(await Promise.all(documents.map((path) => whyNotReadable(resolve(path))))),
  ].filter((problem): problem is string => Boolean(problem))
}

/** Why there cannot be a directory that can be written: itself, or the nearest thing above it, stands in the way. */
async function whyNotWritable(path: string): Promise<string | undefined> {
  const found = await stat(path).catch((error: unknown) => error as NodeJS.ErrnoException)
  if (found instanceof Error) {
    const isMissing = found.code === 'ENOENT' || found.code === 'ENOTDIR'
    if (!isMissing || dirname(path) === path) return `${path} cannot be used (${found.code ?? 'unknown'})`
    return whyNotWritable(dirname(path))
  }
  if (!found.isDirectory()) return `${path} is not a directory`
  return failure(() => access(path, constants.W_OK | constants.X_OK), path)
}

async function whyNoDatabase(path: string): Promise<string | undefined> {
  const found = await stat(path).catch(() => undefined)
  if (found && !found.isFile()) return `${path} is not a file`
  return (
    (await whyNotWritable(dirname(path))) ??
    (found && (await failure(() => access(path, constants.W_OK), path)))
  )
}

async function whyNotReadable(path: string): Promise<string | undefined> {
  const found = await stat(path).catch(() => undefined)
  const problem =
    found?.isFile() === false
      ? `${path} is not a file`
      : await failure(() => access(path, constants.R_OK), path)
  return problem && `TRUSTED_DOCUMENTS must name files that can be read; ${problem}.`
}

const REASONS: Record<string, string> = {
  ENOENT: 'does not exist',
  ENOTDIR: 'is not a directory',
  EACCES: 'is not accessible to this user',
  EPERM: 'is not accessible to this user',
  EROFS: 'is on a file system that is read-only',
}

/** Why something cannot be done with a path; undefined when it can. */
async function failure(attempt: () => Promise<unknown>, path: string): Promise<string | undefined> {
  try {
    await attempt()
    return undefined
  } catch (error) {
    const { code = 'unknown' } = error as NodeJS.ErrnoException
    return `${path} ${REASONS[code] ?? `cannot be used (${code})`}`
  }
}
