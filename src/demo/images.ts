import { randomFillSync } from 'node:crypto'
import { mkdir, open } from 'node:fs/promises'
import { dirname } from 'node:path'

const MIB = 1024 ** 2

/** Writes a sparse image: random data in so many pieces of 1 MiB, spread evenly over its declared size. */
export async function writeImage(path: string, sizeMiB: number, dataMiB: number): Promise<void> {
  await mkdir(dirname(path), { recursive: true })
  await using file = await open(path, 'w', 0o600)
  await file.truncate(sizeMiB * MIB)
  const piece = Buffer.alloc(MIB)
  for (let i = 0; i < dataMiB; i++) {
    await file.write(randomFillSync(piece), 0, MIB, Math.floor((i * sizeMiB) / dataMiB) * MIB)
  }
}
