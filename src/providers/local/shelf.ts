import { randomBytes } from 'node:crypto'
import { type FileHandle, link, lstat, mkdir, open, readdir, rename, rm } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { z } from 'zod'
import { REASONS } from '../../domain/reasons.ts'
import type { Commit } from '../provider.ts'
import { codeOf, lastingReason, PassingFault, unlessPassing } from './faults.ts'
import {
  createFile,
  ensureDirectory,
  openDirectory,
  READ_SAFELY,
  type OpenDirectory,
} from './open-directory.ts'
import { tryLock } from './system-calls.ts'

/**
 * Where finished snapshots stand: `<snapshotsDir>/<snapshotId>/` holds the `image` and its `manifest.json`, and never
 * changes. A copy is prepared in `.partial/` and moved here as a whole, so what stands here is complete. What a disk held
 * when its snapshot was accepted waits in `.captured/<snapshotId>/` for its copy, made in the same way.
 */

const PARTIAL = '.partial'
const CAPTURED = '.captured'
const OWNER_ONLY = 0o700

const Manifest = z.object({
  format: z.literal(1),
  snapshotId: z.string(),
  createdAt: z.iso.datetime(),
  sizeBytes: z.int(),
  dataBytes: z.int(),
  checksum: z.string(),
  consistency: z.enum(['CLEAN', 'CRASH_CONSISTENT']),
  /** Left out by copies that were made before it was known. */
  dataAt: z.iso.datetime().optional(),
  source: z.object({ diskId: z.string(), location: z.string() }),
})

/** What is known of a finished copy; written beside its image. */
export type Manifest = z.infer<typeof Manifest>

function directoryOf(snapshotsDir: string, snapshotId: string): string {
  if (!/^[\w-]+$/.test(snapshotId)) throw new TypeError(`Not a snapshot id: ${JSON.stringify(snapshotId)}`)
  return join(snapshotsDir, snapshotId)
}

/** The ids of all published snapshots. */
export async function publishedIds(snapshotsDir: string): Promise<string[]> {
  const names = await readdir(snapshotsDir).catch((error: unknown): string[] => {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  })
  return names.filter((name) => !name.startsWith('.')).sort()
}

/** Whether anything stands at the place of a snapshot; true also when that cannot be told. */
export async function isOnShelf(snapshotsDir: string, snapshotId: string): Promise<boolean> {
  try {
    await lstat(directoryOf(snapshotsDir, snapshotId))
    return true
  } catch (error) {
    unlessPassing(error)
    return codeOf(error) !== 'ENOENT'
  }
}

/** What stands at the place of a snapshot is not a whole snapshot, or cannot be read as one; the message is for clients. */
export class DamagedCopy extends Error {}

export const MISSING = REASONS.COPY_MISSING
const NO_FILE = REASONS.COPY_NOT_A_FILE
const NOT_PERMITTED = REASONS.COPY_FORBIDDEN
const UNREADABLE = REASONS.COPY_UNREADABLE

/** What a lasting error says of a copy that could not be read for it; undefined for a passing one. */
export function damageBy(error: unknown): DamagedCopy | undefined {
  if (error instanceof DamagedCopy) return error
  if (lastingReason(error) === undefined) return undefined
  switch (codeOf(error)) {
    case 'ENOENT':
      return new DamagedCopy(MISSING, { cause: error })
    case 'ENOTDIR':
    case 'ELOOP':
    case 'ENXIO':
      return new DamagedCopy(NO_FILE, { cause: error })
    case 'EACCES':
    case 'EPERM':
      return new DamagedCopy(NOT_PERMITTED, { cause: error })
    default:
      return new DamagedCopy(UNREADABLE, { cause: error })
  }
}

/** The largest manifest that is read: ours have less than 5 KiB. */
const MANIFEST_BYTES_MAX = 64 * 1024

/** Opens a file of a published snapshot: a regular one, through no link, and without waiting for anything. */
export async function openPublished(
  snapshotsDir: string,
  snapshotId: string,
  name: 'image' | 'manifest.json',
): Promise<FileHandle> {
  await using directory = await openDirectory(directoryOf(snapshotsDir, snapshotId))
  await using stack = new AsyncDisposableStack()
  const handle = stack.use(await open(directory.at(name), READ_SAFELY))
  if (!(await handle.stat()).isFile()) throw new DamagedCopy(NO_FILE)
  stack.move()
  return handle
}

/** The manifest of a published snapshot; undefined when there is none. Throws a DamagedCopy when it is none of ours, or cannot be read. */
export async function readManifest(snapshotsDir: string, snapshotId: string): Promise<Manifest | undefined> {
  let json
  try {
    await using handle = await openPublished(snapshotsDir, snapshotId, 'manifest.json')
    if ((await handle.stat()).size > MANIFEST_BYTES_MAX) throw new DamagedCopy(REASONS.MANIFEST_TOO_LONG)
    json = await handle.readFile('utf8')
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined
    throw damageBy(error) ?? error
  }
  try {
    return Manifest.parse(JSON.parse(json))
  } catch (cause) {
    throw new DamagedCopy(REASONS.MANIFEST_INVALID, { cause })
  }
}

/** A place to prepare a snapshot in. Disposing it removes everything that was not published. */
export interface PartialCopy extends AsyncDisposable {
  /** The image, empty at first. */
  image: FileHandle
  /**
   * Moves the image, flushed before, and its manifest to their final place, unless another attempt was there first.
   * Either way, the answer is the manifest that stands there now.
   */
  publish: (manifest: Manifest) => Promise<Manifest>
}

export async function preparePartial(snapshotsDir: string, snapshotId: string): Promise<PartialCopy> {
  const attempt = await startAttempt(snapshotsDir, snapshotId)
  let image: FileHandle | undefined
  try {
    image = await createFile(attempt.at('image'))
  } catch (error) {
    await attempt[Symbol.asyncDispose]()
    throw error
  }
  return {
    image,
    async publish(manifest) {
      await writeManifest(attempt, manifest)
      await image.chmod(0o400)
      await image.sync()
      await attempt.handle.sync()
      await attempt.publish()
      const published = await readManifest(snapshotsDir, snapshotId)
      if (!published) throw new Error(`The directory of snapshot ${snapshotId} has no manifest.`)
      return published
    },
    async [Symbol.asyncDispose]() {
      await image.close()
      await attempt[Symbol.asyncDispose]()
    },
  }
}

/** Publishes a snapshot that shares the image of a published one: for a world that has many and is made quickly. */
export async function duplicatePublished(snapshotsDir: string, from: string, to: string): Promise<void> {
  const manifest = await readManifest(snapshotsDir, from)
  if (!manifest) throw new Error(`There is no published snapshot ${from}.`)
  await using attempt = await startAttempt(snapshotsDir, to)
  await link(join(directoryOf(snapshotsDir, from), 'image'), attempt.at('image'))
  await writeManifest(attempt, { ...manifest, snapshotId: to })
  await attempt.publish()
}

interface Attempt extends OpenDirectory {
  /** Moves the directory to the place of the snapshot, on the shelf or in another directory, unless one is there. */
  publish: (directory?: string) => Promise<void>
}

/** A directory of this attempt alone. It is locked for as long as it is open, and goes unless it is published. */
async function startAttempt(snapshotsDir: string, snapshotId: string): Promise<Attempt> {
  const target = basename(directoryOf(snapshotsDir, snapshotId))
  await using stack = new AsyncDisposableStack()
  const partials = stack.use(await openHidden(snapshotsDir, PARTIAL))
  const { name, directory } = await makeLocked(partials, target)
  stack.defer(() => rm(partials.at(name), { recursive: true, force: true }))
  stack.use(directory)
  const kept = stack.move()
  return {
    ...directory,
    async publish(directory = snapshotsDir) {
      await using shelf = await openDirectory(directory, { follow: true })
      try {
        await rename(partials.at(name), shelf.at(target))
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException
        if (code === 'ENOTDIR')
          throw new PassingFault(code, `ENOTDIR: something else is where snapshot ${snapshotId} belongs.`)
        if (code !== 'ENOTEMPTY' && code !== 'EEXIST') throw error
      }
      await shelf.handle.sync()
    },
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  }
}

/** How often a sweep may come between the making of a directory and its lock; then its file system has no locks. */
const MOST_SWEPT = 10

/** Makes a directory and locks it. One that a sweep has taken for dead before it was locked is made again. */
async function makeLocked(
  partials: OpenDirectory,
  target: string,
): Promise<{ name: string; directory: OpenDirectory }> {
  for (let swept = 0; ; swept++) {
    const name = `${target}.${randomBytes(6).toString('hex')}`
    await mkdir(partials.at(name), OWNER_ONLY)
    const directory = await openDirectory(partials.at(name)).catch(noneOf('ENOENT'))
    if (!directory) continue
    const isLocked = tryLock(directory.handle.fd)
    const there = await lstat(partials.at(name)).catch(noneOf('ENOENT'))
    if (there && (isLocked || swept === MOST_SWEPT)) return { name, directory }
    await directory[Symbol.asyncDispose]()
    await rm(partials.at(name), { recursive: true, force: true })
  }
}

/** What is known of the captured content of a disk. */
type Capture = Required<Pick<Manifest, 'dataAt' | 'consistency'>>

const Capture = Manifest.pick({ dataAt: true, consistency: true }).required()

/** Keeps what `fill` puts in the image as the captured content for a snapshot; nothing when it returns undefined. */
export async function keepCapture(
  snapshotsDir: string,
  snapshotId: string,
  fill: (image: FileHandle) => Promise<Capture | undefined>,
): Promise<void> {
  await using attempt = await startAttempt(snapshotsDir, snapshotId)
  await using image = await createFile(attempt.at('image'))
  const capture = await fill(image)
  if (!capture) return
  await writeManifest(attempt, capture)
  await image.sync()
  await attempt.handle.sync()
  await openHidden(snapshotsDir, CAPTURED).then((captured) => captured[Symbol.asyncDispose]())
  await attempt.publish(join(snapshotsDir, CAPTURED))
}

/** The captured content for a snapshot; undefined when there is none, or it cannot be read. */
export async function openCapture(
  snapshotsDir: string,
  snapshotId: string,
): Promise<(Capture & AsyncDisposable & { image: FileHandle }) | undefined> {
  const captured = join(snapshotsDir, CAPTURED)
  try {
    await using handle = await openPublished(captured, snapshotId, 'manifest.json')
    const capture = Capture.safeParse(JSON.parse(await handle.readFile('utf8')))
    if (!capture.success) return undefined
    const image = await openPublished(captured, snapshotId, 'image')
    return { ...capture.data, image, [Symbol.asyncDispose]: () => image.close() }
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof DamagedCopy) return undefined
    unlessPassing(error)
    return undefined
  }
}

/** Removes the captured content for a snapshot; also when there is none. What cannot be removed is left to the sweep. */
export async function discardCapture(snapshotsDir: string, snapshotId: string): Promise<void> {
  const target = basename(directoryOf(snapshotsDir, snapshotId))
  await rm(join(snapshotsDir, CAPTURED, target), { recursive: true, force: true }).catch(unlessPassing)
}

async function writeManifest(attempt: OpenDirectory, manifest: Manifest | Capture): Promise<void> {
  await using file = await createFile(attempt.at('manifest.json'))
  await file.writeFile(JSON.stringify(manifest, undefined, 2) + '\n')
  await file.chmod(0o400)
  await file.sync()
}

/** Takes an error of this code for the absence of what was asked for. */
function noneOf(code: string): (error: unknown) => undefined {
  return (error) => {
    if ((error as NodeJS.ErrnoException).code !== code) throw error
    return undefined
  }
}

/** A directory for the gateway alone; made when it is missing. */
async function openHidden(
  snapshotsDir: string,
  name: typeof PARTIAL | typeof CAPTURED,
): Promise<OpenDirectory> {
  const path = join(snapshotsDir, name)
  await ensureDirectory(path, OWNER_ONLY)
  return openDirectory(path)
}

/**
 * Removes what dead attempts have left, and what was captured for snapshots that wait for no copy any more. An attempt
 * lives as long as its process: the kernel holds its lock. Published snapshots stay, also those that the caller may not
 * know: a database that was restored from a backup would miss them.
 */
export async function sweepShelf(
  snapshotsDir: string,
  waiting: (snapshotIds: readonly string[]) => Promise<ReadonlySet<string>>,
): Promise<void> {
  await using partials = await openHidden(snapshotsDir, PARTIAL)
  for (const name of await partials.names()) await removeIfDead(partials, name)
  await using captured = await openDirectory(join(snapshotsDir, CAPTURED)).catch(noneOf('ENOENT'))
  if (!captured) return
  // Captures are made for snapshots that are stored, so one that is listed here and waits no more has ended.
  const names = await captured.names()
  const wanted = await waiting(names)
  for (const name of names) if (!wanted.has(name)) await discardCapture(snapshotsDir, name)
}

/**
 * Takes a snapshot away for good, with what dead attempts at it have left; also when there is none. Whatever stands in its
 * place goes as a whole: a removal that is cut short leaves no half of it, but a dead attempt.
 */
export async function discard(
  snapshotsDir: string,
  snapshotId: string,
  commit: Commit = (act) => act(),
): Promise<void> {
  const target = basename(directoryOf(snapshotsDir, snapshotId))
  await using partials = await openHidden(snapshotsDir, PARTIAL)
  await discardCapture(snapshotsDir, snapshotId)
  {
    await using away = await startAttempt(snapshotsDir, snapshotId)
    await using shelf = await openDirectory(snapshotsDir, { follow: true })
    await commit(() => rename(shelf.at(target), away.at('removed')).catch(noneOf('ENOENT')))
    await shelf.handle.sync()
  }
  for (const name of await partials.names()) {
    if (name.startsWith(`${snapshotId}.`)) await removeIfDead(partials, name)
  }
}

async function removeIfDead(partials: OpenDirectory, name: string): Promise<void> {
  let lock
  try {
    lock = await open(partials.at(name), READ_SAFELY)
    if (tryLock(lock.fd)) await rm(partials.at(name), { recursive: true, force: true })
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    // A link or a socket is none of ours, and is removed without being followed.
    if (code === 'ELOOP' || code === 'ENXIO') await rm(partials.at(name), { force: true })
    else if (code !== 'ENOENT') throw error
  } finally {
    await lock?.close()
  }
}
