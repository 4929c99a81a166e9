import { randomFillSync } from 'node:crypto'
import { constants } from 'node:fs'
import { mkdir, open, type FileHandle } from 'node:fs/promises'
import { dirname } from 'node:path'
import { MIB } from '../domain/units.ts'

const { O_RDWR, O_CREAT, O_EXCL, O_NOFOLLOW, O_NONBLOCK } = constants

/**
 * Writes a sparse image: random data in this many pieces of 1 MiB, spread evenly over its declared size. A file that has
 * content already stays as it is; anything else of this name is an Error.
 */
export async function writeImage(path: string, sizeMiB: number, dataMiB: number): Promise<void> {
  await mkdir(dirname(path), { recursive: true })
  await using file = await newOrEmpty(path)
  if (file === undefined) return
  await file.truncate(sizeMiB * MIB)
  const piece = Buffer.alloc(MIB)
  for (let i = 0; i < dataMiB; i++) {
    await file.write(randomFillSync(piece), 0, MIB, Math.floor((i * sizeMiB) / dataMiB) * MIB)
  }
}

/** An empty file at this path, through no link; undefined when there is a file with content. */
async function newOrEmpty(path: string): Promise<FileHandle | undefined> {
  try {
    return await open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
  const found = await open(path, O_RDWR | O_NOFOLLOW | O_NONBLOCK).catch(() => undefined)
  const there = await found?.stat()
  if (found && there?.isFile() && there.nlink === 1 && there.size === 0) return found
  await found?.close()
  if (there?.isFile()) return undefined
  throw new Error(`${path} is in the way of the demo world. Remove it, or set DEMO=false.`)
}
