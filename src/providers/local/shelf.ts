import { constants } from 'node:fs'
import {
  link,
  mkdir,
  mkdtemp,
  open,
  readdir,
  readFile,
  rename,
  rm,
  writeFile,
  type FileHandle,
} from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { tryLock } from './system-calls.ts'

/**
 * Where finished snapshots stand: `<snapshotsDir>/<snapshotId>/` holds the `image` and its `manifest.json`, and never
 * changes. A copy is prepared in `.partial/` and moved here as a whole, so what stands here is complete.
 */

const PARTIAL = '.partial'
const OWNER_ONLY = 0o700

const Manifest = z.object({
  format: z.literal(1),
  snapshotId: z.string(),
  createdAt: z.iso.datetime(),
  sizeBytes: z.int(),
  dataBytes: z.int(),
  checksum: z.string(),
  consistency: z.enum(['CLEAN', 'CRASH_CONSISTENT']),
  source: z.object({ diskId: z.string(), location: z.string() }),
})

/** What is known of a finished copy; written beside its image. */
export type Manifest = z.infer<typeof Manifest>

function directoryOf(snapshotsDir: string, snapshotId: string): string {
  if (!/^[\w-]+$/.test(snapshotId)) throw new TypeError(`Not a snapshot id: ${JSON.stringify(snapshotId)}`)
  return join(snapshotsDir, snapshotId)
}

/** The manifest of a published snapshot; undefined when there is none. Throws when it is damaged. */
export async function readManifest(snapshotsDir: string, snapshotId: string): Promise<Manifest | undefined> {
  let json
  try {
    json = await readFile(join(directoryOf(snapshotsDir, snapshotId), 'manifest.json'), 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
  return Manifest.parse(JSON.parse(json))
}

/** Where the image of a published snapshot is. */
export function imageOf(snapshotsDir: string, snapshotId: string): string {
  return join(directoryOf(snapshotsDir, snapshotId), 'image')
}

/** A place to prepare a snapshot in. Disposing it removes everything that was not published. */
export interface PartialCopy extends AsyncDisposable {
  /** The path of the image, which is still to be made. */
  image: string
  /**
   * Moves the image, flushed before, and its manifest to their final place, unless another attempt was there first.
   * Either way, the answer is the manifest that stands there now.
   */
  publish: (manifest: Manifest) => Promise<Manifest>
}

export async function preparePartial(snapshotsDir: string, snapshotId: string): Promise<PartialCopy> {
  const target = directoryOf(snapshotsDir, snapshotId)
  await mkdir(join(snapshotsDir, PARTIAL), { recursive: true, mode: OWNER_ONLY })
  const directory = await mkdtemp(join(snapshotsDir, PARTIAL, `${snapshotId}.`))
  const lock = await open(directory, constants.O_RDONLY)
  tryLock(lock.fd)
  return {
    image: join(directory, 'image'),
    async publish(manifest) {
      const file = join(directory, 'manifest.json')
      await flushed(file, 'wx', async (handle) => {
        await handle.writeFile(JSON.stringify(manifest, undefined, 2) + '\n')
        await handle.chmod(0o440)
      })
      await flushed(join(directory, 'image'), 'r', (handle) => handle.chmod(0o440))
      await lock.sync()
      try {
        await rename(directory, target)
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException
        if (code !== 'ENOTEMPTY' && code !== 'EEXIST') throw error
      }
      await flushed(snapshotsDir, 'r')
      const published = await readManifest(snapshotsDir, snapshotId)
      if (!published) throw new Error(`The directory of snapshot ${snapshotId} has no manifest.`)
      return published
    },
    async [Symbol.asyncDispose]() {
      await rm(directory, { recursive: true, force: true })
      await lock.close()
    },
  }
}

/** Publishes a snapshot that shares the image of a published one: for a world that has many and is made quickly. */
export async function duplicatePublished(snapshotsDir: string, from: string, to: string): Promise<void> {
  const manifest = await readManifest(snapshotsDir, from)
  if (!manifest) throw new Error(`There is no published snapshot ${from}.`)
  const directory = await mkdtemp(join(snapshotsDir, PARTIAL, `${to}.`))
  await link(imageOf(snapshotsDir, from), join(directory, 'image'))
  const json = JSON.stringify({ ...manifest, snapshotId: to }, undefined, 2)
  await writeFile(join(directory, 'manifest.json'), `${json}\n`, { mode: 0o440 })
  await rename(directory, directoryOf(snapshotsDir, to))
}

async function flushed(path: string, flags: string, change?: (handle: FileHandle) => Promise<void>) {
  await using handle = await open(path, flags, 0o600)
  await change?.(handle)
  await handle.sync()
}

/**
 * Removes what dead attempts have left. An attempt lives as long as its process: the kernel holds its lock. Published
 * snapshots stay, also those that the caller may not know: a database that was restored from a backup would miss them.
 */
export async function sweepShelf(snapshotsDir: string): Promise<void> {
  const partials = join(snapshotsDir, PARTIAL)
  await mkdir(partials, { recursive: true, mode: OWNER_ONLY })
  for (const name of await readdir(partials)) await removeIfDead(join(partials, name))
}

/**
 * Takes a snapshot away for good, with what dead attempts at it have left; also when there is none. The published one
 * goes as a whole: a removal that is cut short leaves no half of it, but a dead attempt.
 */
export async function discard(snapshotsDir: string, snapshotId: string): Promise<void> {
  const partials = join(snapshotsDir, PARTIAL)
  const target = directoryOf(snapshotsDir, snapshotId)
  await mkdir(partials, { recursive: true, mode: OWNER_ONLY })
  const away = await mkdtemp(join(partials, `${snapshotId}.`))
  try {
    await rename(target, away)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
  await flushed(snapshotsDir, 'r')
  for (const name of await readdir(partials)) {
    if (name.startsWith(`${snapshotId}.`)) await removeIfDead(join(partials, name))
  }
}

async function removeIfDead(directory: string): Promise<void> {
  let lock
  try {
    lock = await open(directory, constants.O_RDONLY)
    if (tryLock(lock.fd)) await rm(directory, { recursive: true, force: true })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  } finally {
    await lock?.close()
  }
}
