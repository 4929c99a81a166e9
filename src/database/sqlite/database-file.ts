import { access, constants, mkdir } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { isDriverAdapterError } from '@prisma/driver-adapter-utils'
import { Unavailable } from '../../domain/unavailable.ts'
import { PRIVATE_FOLDER } from '../private-files.ts'
import { noteReboot, whyNotOpen, worldFile } from './world.ts'

/**
 * The absolute path behind a `file:` url, once its folder exists, the folder and the file can be written, and the file is
 * the one that the last gateway had open or a whole one in its place; otherwise an Error that says why not.
 */
export async function databaseFile(url: string): Promise<string> {
  const path = await databasePath(url)
  const reason = whyNotOpen(path)
  if (reason !== undefined) throw unusable(path, new Error(reason))
  noteReboot(path)
  return path
}

/**
 * The same for a file that may be missing, empty or damaged. This opens nothing: closing a file that this process also has
 * open through SQLite would drop SQLite's locks.
 */
export async function databasePath(url: string): Promise<string> {
  const [, file] = /^file:(?!:memory:)([^?#]+)$/.exec(url) ?? []
  if (file === undefined) {
    throw new Error(
      'The database url must be file: and the path of a file, such as file:./data/snapgate.db, without parameters.',
    )
  }
  const path = resolve(file)
  try {
    await mkdir(dirname(path), { recursive: true, mode: PRIVATE_FOLDER })
    await access(dirname(path), constants.W_OK)
    await access(path, constants.W_OK).catch((error: unknown) => {
      if (!isMissing(error)) throw error
    })
  } catch (error) {
    throw unusable(path, error)
  }
  return path
}

/** The paths of a database file and of all that belongs to it, whether they exist or not. */
export function databaseFiles(path: string): string[] {
  return [path, ...['-wal', '-shm', '-journal'].map((end) => `${path}${end}`), worldFile(path)]
}

/** The Error for a database file that something failed on, naming the file and the reason. */
export function unusable(path: string, cause: unknown): Error {
  const thrown = cause instanceof Unavailable && cause.cause !== undefined ? cause.cause : cause
  const error = isDriverAdapterError(thrown) ? thrown.cause.originalMessage : thrown
  const reason = error instanceof Error ? error.message : String(error)
  return new Error(`The database ${path} cannot be used: ${reason}.`, { cause })
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT'
}
