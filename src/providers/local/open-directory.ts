import { randomBytes } from 'node:crypto'
import { constants, existsSync } from 'node:fs'
import { mkdir, open, readdir, rmdir, unlink, type FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import process from 'node:process'
import { tryLock } from './system-calls.ts'

/**
 * A directory that is open, so that names in it are looked up in this very directory, even if its path now leads elsewhere:
 * the kernel takes `/proc/self/fd/<fd>/<name>` for what `openat` and `renameat` do. Without /proc, the path has to be believed.
 */
export interface OpenDirectory extends AsyncDisposable {
  handle: FileHandle
  /** The path of a name in it. The name itself may be a symbolic link: open it with O_NOFOLLOW. */
  at: (name: string) => string
  names: () => Promise<string[]>
}

const { O_RDONLY, O_DIRECTORY, O_NOFOLLOW, O_NONBLOCK, O_RDWR, O_CREAT, O_EXCL } = constants
const HAS_PROC = existsSync('/proc/self/fd')

/** Files of our own that are made in directories where others may write lie in directories with names like this. */
export const PRIVATE_PREFIX = '.snapgate.'

/** How a file is read that others may have put there: not through a link, and without waiting for a pipe's writer. */
export const READ_SAFELY = O_RDONLY | O_NOFOLLOW | O_NONBLOCK

/** Opens a directory; throws when it is none. The last part of its path may be a link only when `follow` is set. */
export async function openDirectory(path: string, { follow = false } = {}): Promise<OpenDirectory> {
  const handle = await open(path, O_RDONLY | O_DIRECTORY | (follow ? 0 : O_NOFOLLOW))
  const here = HAS_PROC ? `/proc/self/fd/${handle.fd}` : path
  return {
    handle,
    at: (name) => join(here, name),
    names: () => readdir(`${here}/`),
    [Symbol.asyncDispose]: () => handle.close(),
  }
}

/** Makes a directory unless there is one; opening it tells when something else has its name. */
export async function ensureDirectory(path: string, mode: number): Promise<void> {
  await mkdir(path, { recursive: true, mode }).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  })
}

/** Makes a file that was not there, for its owner alone. Throws when anything has its name already, a link included. */
export function createFile(path: string): Promise<FileHandle> {
  return open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600)
}

/**
 * Makes a directory in `parent` that nobody else may enter, even those who may write in `parent`. It is locked for as long as it
 * is open, and goes, with the files in it, when it is disposed. Undefined when the file system gave it to somebody else
 * or lets others write in it.
 */
export async function makePrivateDirectory(
  parent: OpenDirectory,
  label: string,
): Promise<OpenDirectory | undefined> {
  const name = `${PRIVATE_PREFIX}${label}.${randomBytes(6).toString('hex')}`
  await mkdir(parent.at(name), 0o700)
  await using stack = new AsyncDisposableStack()
  stack.defer(() => rmdir(parent.at(name)).catch(() => undefined))
  const directory = stack.use(await openDirectory(parent.at(name)))
  if (!(await isPrivate(directory))) return undefined
  tryLock(directory.handle.fd)
  stack.defer(() => empty(directory))
  const kept = stack.move()
  return { ...directory, [Symbol.asyncDispose]: () => kept.disposeAsync() }
}

/** Removes the private directories with this label that dead attempts have left. What others have put there stays. */
export async function removeDeadPrivateDirectories(parent: OpenDirectory, label: string): Promise<void> {
  const prefix = `${PRIVATE_PREFIX}${label}.`
  const names = await parent.names().catch(() => [])
  for (const name of names.filter((found) => found.startsWith(prefix))) {
    const directory = await openDirectory(parent.at(name)).catch(() => undefined)
    if (directory === undefined) continue
    await using dead = directory
    if (!(await isPrivate(dead)) || !tryLock(dead.handle.fd)) continue
    await empty(dead)
    await rmdir(parent.at(name)).catch(() => undefined)
  }
}

async function isPrivate({ handle }: OpenDirectory): Promise<boolean> {
  const { uid, mode } = await handle.stat()
  return uid === process.geteuid?.() && (mode & 0o022) === 0
}

/** A private directory holds files only. What cannot be removed is left to the next attempt. */
async function empty(directory: OpenDirectory): Promise<void> {
  for (const name of await directory.names().catch(() => []))
    await unlink(directory.at(name)).catch(() => undefined)
}
