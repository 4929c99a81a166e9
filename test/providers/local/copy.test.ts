import { randomBytes, randomInt } from 'node:crypto'
import { closeSync, openSync, writeFileSync, writeSync } from 'node:fs'
import {
  appendFile,
  chmod,
  mkdir,
  open,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  truncate,
} from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { copyInWorker } from '../../../src/providers/local/copying.ts'
import { createLocalProvider } from '../../../src/providers/local/local.ts'
import { diskAt, GIB, KIB, makeWorld, MIB, type Layout } from './world.ts'

const WRITTEN_TO =
  'The disk was written to while it was being copied (3 attempts). ' +
  'Detach the disk or stop writes, then create the snapshot again.'

/** Large enough that a copy of it is still being read when its first progress is heard of. */
const LARGE = 128 * MIB
const largeLayout = (): Layout => {
  const bytes = randomBytes(MIB)
  return Array.from({ length: LARGE / MIB }, (_, index) => [index * MIB, bytes] as const)
}

function overwrite(path: string, position: number): void {
  const file = openSync(path, 'r+')
  writeSync(file, randomBytes(1), 0, 1, position)
  closeSync(file)
}

test.each([
  ['dense', 300 * KIB, [[0, randomBytes(300 * KIB)]]],
  ['sparse', 10 * MIB, [[3 * MIB, randomBytes(4 * KIB)]]],
  ['all holes', 2 * MIB, []],
  ['all stored zeros', 2 * MIB, [[0, Buffer.alloc(2 * MIB)]]],
  ['with an empty tail', 5 * MIB, [[0, randomBytes(100 * KIB)]]],
  ['of a single byte', 1, [[0, Buffer.from('x')]]],
  ['of an odd size', 3 * MIB + 4097, [[3 * MIB, randomBytes(4097)]]],
] as [string, number, Layout][])('a copy of a disk %s is the same byte for byte', async (_, size, layout) => {
  await using world = await makeWorld()
  const location = await world.image('a.img', size, layout)
  expect(await world.copy(location)).toEqual({
    outcome: 'copied',
    sizeBytes: BigInt(size),
    dataBytes: expect.any(BigInt) as bigint,
    checksum: expect.stringMatching(/^sha256-64k:[0-9a-f]{64}$/) as string,
    dataAt: expect.any(Date) as Date,
    consistency: 'CLEAN',
  })
  expect((await world.read()).equals(await readFile(location))).toBe(true)
})

test('copies of disks with any layout are the same byte for byte', async () => {
  await using world = await makeWorld()
  for (let round = 1; round <= 8; round++) {
    const size = randomInt(1, 4 * MIB)
    const layout = Array.from({ length: randomInt(8) }, () => {
      const position = randomInt(size)
      const length = randomInt(1, Math.min(300 * KIB, size - position) + 1)
      return [position, randomInt(3) ? randomBytes(length) : Buffer.alloc(length)] as const
    })
    const location = await world.image('a.img', size, layout)
    await world.copy(location, { snapshotId: `s-${round}` })
    const same = (await world.read(`s-${round}`)).equals(await readFile(location))
    expect(same, JSON.stringify({ size, layout: layout.map(([at, bytes]) => [at, bytes.length]) })).toBe(true)
  }
})

test('holes stay holes, stored zeros become holes, and both make the same checksum', async () => {
  await using world = await makeWorld()
  const bytes = randomBytes(64 * KIB)
  const sparse = await world.image('sparse.img', 8 * MIB, [[MIB, bytes]])
  const dense = await world.image('dense.img', 8 * MIB, [
    [0, Buffer.alloc(8 * MIB)],
    [MIB, bytes],
  ])
  const [a, b] = [
    await world.copy(sparse, { snapshotId: 's-a' }),
    await world.copy(dense, { snapshotId: 's-b' }),
  ]
  expect(a).toEqual({ ...b, dataAt: expect.any(Date) as Date })
  expect(a).toMatchObject({ dataBytes: BigInt(64 * KIB) })
  for (const snapshotId of ['s-a', 's-b']) {
    expect((await stat(join(world.snapshots, snapshotId, 'image'))).blocks * 512).toBeLessThan(128 * KIB)
  }
})

test('a copy takes no more room than its source, however finely data and holes alternate', async () => {
  await using world = await makeWorld()
  const layout = Array.from({ length: 64 }, (_, index) => [index * 32 * KIB, randomBytes(4 * KIB)] as const)
  const location = await world.image('a.img', 2 * MIB, layout)
  expect(await world.copy(location)).toMatchObject({ dataBytes: BigInt(64 * 4 * KIB) })
  const { blocks } = await stat(join(world.snapshots, 's-1', 'image'))
  expect(blocks).toBeLessThanOrEqual((await stat(location)).blocks)
})

test('a disk of a tebibyte with three chunks of data costs three chunks', async () => {
  await using world = await makeWorld()
  const chunk = randomBytes(64 * KIB)
  const location = await world.image('a.img', 1024 * GIB, [
    [0, chunk],
    [500 * GIB, chunk],
    [1024 * GIB - 64 * KIB, chunk],
  ])
  const progress: number[][] = []
  const copy = await world.copy(location, {
    onProgress: (...bytes) => progress.push(bytes),
  })
  expect(copy).toMatchObject({
    outcome: 'copied',
    sizeBytes: BigInt(1024 * GIB),
    dataBytes: BigInt(192 * KIB),
  })
  expect(progress[0]).toEqual([0, 192 * KIB])
  expect(progress.at(-1)).toEqual([192 * KIB, 192 * KIB])
})

test('progress only grows, at most ten times a second, and ends with all of the data', async () => {
  await using world = await makeWorld()
  const location = await world.image('a.img', LARGE, largeLayout())
  const start = performance.now()
  const progress: number[] = []
  await world.copy(location, {
    onProgress: (copied, total) => {
      expect(total).toBe(LARGE)
      progress.push(copied)
    },
  })
  expect(progress).toEqual(progress.toSorted((a, b) => a - b))
  expect(progress.at(-1)).toBe(LARGE)
  expect(progress.length).toBeLessThanOrEqual((performance.now() - start) / 100 + 2)
})

test('a snapshot is a directory of the owner alone, with a read-only image and its manifest', async () => {
  await using world = await makeWorld()
  const location = await world.image('a.img', 4096, [[0, Buffer.from('data')]])
  const copy = await world.copy(location)
  expect(await world.kept()).toEqual(['s-1', 's-1/image', 's-1/manifest.json'])
  const mode = async (path: string) => (await stat(join(world.snapshots, path))).mode & 0o777
  expect(await mode('.')).toBe(0o700)
  expect(await mode('s-1')).toBe(0o700)
  expect(await mode('s-1/image')).toBe(0o400)
  expect(await mode('s-1/manifest.json')).toBe(0o400)
  const manifest: unknown = JSON.parse(await readFile(join(world.snapshots, 's-1', 'manifest.json'), 'utf8'))
  expect(manifest).toEqual({
    format: 1,
    snapshotId: 's-1',
    createdAt: expect.any(String) as string,
    sizeBytes: 4096,
    dataBytes: 4096,
    checksum: (copy as { checksum: string }).checksum,
    consistency: 'CLEAN',
    dataAt: expect.any(String) as string,
    source: { diskId: 'v-1', location },
  })
})

test('the copy of an attached disk is CRASH_CONSISTENT', async () => {
  await using world = await makeWorld()
  const location = await world.image('a.img', 4096)
  expect(await world.copy(location, { disk: diskAt(location, { instanceId: 'i-1' }) })).toMatchObject({
    consistency: 'CRASH_CONSISTENT',
  })
})

test('a copy that is asked for again is answered from what was published, and not made again', async () => {
  await using world = await makeWorld()
  const location = await world.image('a.img', MIB, [[0, randomBytes(MIB)]])
  const first = await world.copy(location)
  const { ino, mtimeMs } = await stat(join(world.snapshots, 's-1', 'image'))
  await rm(location)
  let progressed = false
  expect(await world.copy(location, { onProgress: () => (progressed = true) })).toEqual(first)
  expect(progressed).toBe(false)
  expect(await stat(join(world.snapshots, 's-1', 'image'))).toMatchObject({ ino, mtimeMs })
})

test('a published copy whose bytes are damaged is found by its checksum, and made anew', async () => {
  await using world = await makeWorld()
  const location = await world.image('a.img', MIB, [[0, randomBytes(MIB)]])
  const first = await world.copy(location)
  const path = join(world.snapshots, 's-1', 'image')
  await chmod(path, 0o600)
  await using file = await open(path, 'r+')
  await file.write(Buffer.from([1, 2, 3]), 0, 3, 500_000)
  expect(await world.copy(location)).toEqual({ ...first, dataAt: expect.any(Date) as Date })
  expect((await world.read()).equals(await readFile(location))).toBe(true)
})

test('what stands in the place of a snapshot and is no copy is removed, and the copy is made', async () => {
  await using world = await makeWorld()
  const location = await world.image('a.img', MIB, [[0, randomBytes(MIB)]])
  await mkdir(join(world.snapshots, 's-1', 'image'), { recursive: true })
  expect(await world.copy(location)).toMatchObject({ outcome: 'copied' })
  expect(await world.read()).toEqual(await readFile(location))
})

test('two copies of one snapshot at the same time publish one, and both answer with it', async () => {
  await using world = await makeWorld()
  const location = await world.image('a.img', MIB, [[0, randomBytes(MIB)]])
  const attached = diskAt(location, { instanceId: 'i-1' })
  const [a, b] = await Promise.all([world.copy(location), world.copy(location, { disk: attached })])
  expect(a).toEqual(b)
  expect(await world.kept()).toEqual(['s-1', 's-1/image', 's-1/manifest.json'])
})

test('many disks are copied at the same time', async () => {
  await using world = await makeWorld()
  const copies = Array.from({ length: 8 }, async (_, index) => {
    const location = await world.image(`${index}.img`, MIB, [[0, randomBytes(MIB)]])
    await world.copy(location, { snapshotId: `s-${index}` })
    return (await world.read(`s-${index}`)).equals(await readFile(location))
  })
  expect(await Promise.all(copies)).toEqual(copies.map(() => true))
})

test('a disk that is written to during every attempt is refused after three, and nothing is kept', async () => {
  await using world = await makeWorld()
  const location = await world.image('a.img', LARGE, largeLayout())
  let attempts = 0
  const copy = await world.copy(location, {
    onProgress: (copied) => {
      if (copied === 0) attempts++
      overwrite(location, copied)
    },
  })
  expect(copy).toEqual({ outcome: 'refused', reason: WRITTEN_TO })
  expect(attempts).toBe(3)
  expect(await world.kept()).toEqual([])
})

test('a disk whose writer stops is copied by the next attempt, with what was written', async () => {
  await using world = await makeWorld()
  const location = await world.image('a.img', LARGE, largeLayout())
  let attempts = 0
  const copy = await world.copy(location, {
    onProgress: (copied) => {
      if (copied === 0) attempts++
      if (attempts === 1) overwrite(location, LARGE - 1)
    },
  })
  expect(copy).toMatchObject({ outcome: 'copied' })
  expect(attempts).toBe(2)
  expect((await world.read()).equals(await readFile(location))).toBe(true)
})

test('a disk that was written to a moment ago is copied with that write', async () => {
  await using world = await makeWorld()
  const location = await world.image('a.img', MIB)
  overwrite(location, 0)
  expect(await world.copy(location)).toMatchObject({ outcome: 'copied', dataBytes: 4096n })
})

test('a disk that is replaced by another file during the copy is copied as it is then', async () => {
  await using world = await makeWorld()
  const location = await world.image('a.img', LARGE, largeLayout())
  const next = await world.image('next.img', MIB, [[0, Buffer.from('the next disk')]])
  let replaced: Promise<void> | undefined
  const copy = await world.copy(location, { onProgress: () => void (replaced ??= rename(next, location)) })
  expect(copy).toMatchObject({ outcome: 'copied', sizeBytes: BigInt(MIB) })
  expect((await world.read()).toString('utf8', 0, 13)).toBe('the next disk')
})

test('a disk that grows during the copy is copied at its full length', async () => {
  await using world = await makeWorld()
  const location = await world.image('a.img', LARGE, largeLayout())
  let grown: Promise<void> | undefined
  const copy = await world.copy(location, {
    onProgress: () => void (grown ??= appendFile(location, 'the new end')),
  })
  expect(copy).toMatchObject({ outcome: 'copied', sizeBytes: BigInt(LARGE + 11) })
  expect((await world.read()).toString('utf8', LARGE)).toBe('the new end')
})

test('a disk that shrinks or vanishes during the copy is never kept half', async () => {
  await using world = await makeWorld()
  const shrinking = await world.image('shrinking.img', LARGE, largeLayout())
  let shrunk: Promise<void> | undefined
  expect(
    await world.copy(shrinking, { onProgress: () => void (shrunk ??= truncate(shrinking, MIB)) }),
  ).toMatchObject({ outcome: 'copied', sizeBytes: BigInt(MIB) })
  const vanishing = await world.image('vanishing.img', LARGE, largeLayout())
  let vanished: Promise<void> | undefined
  expect(
    await world.copy(vanishing, { snapshotId: 's-2', onProgress: () => void (vanished ??= rm(vanishing)) }),
  ).toEqual({
    outcome: 'refused',
    reason: 'The image file is missing. Put it right, then create the snapshot again.',
  })
  expect(await world.kept()).toEqual(['s-1', 's-1/image', 's-1/manifest.json'])
})

test('a missing disk is refused, and nothing is kept', async () => {
  await using world = await makeWorld()
  expect(await world.copy(join(world.disks, 'missing.img'))).toEqual({
    outcome: 'refused',
    reason: 'The image file is missing. Put it right, then create the snapshot again.',
  })
  expect(await world.kept()).toEqual([])
})

test('an aborted copy rejects with the reason and keeps nothing', async () => {
  await using world = await makeWorld()
  const location = await world.image('a.img', LARGE, largeLayout())
  const abort = new AbortController()
  const reason = new Error('no longer wanted')
  const copy = world.copy(location, { signal: abort.signal, onProgress: () => abort.abort(reason) })
  await expect(copy).rejects.toBe(reason)
  expect(await world.kept()).toEqual([])
})

test('a copy that was aborted before it began touches nothing', async () => {
  await using world = await makeWorld()
  const location = await world.image('a.img', MIB)
  const reason = new Error('no longer wanted')
  await expect(world.copy(location, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
  expect(await readdir(world.dir)).toEqual(['disks'])
})

test('closing the provider ends its copies, and they keep nothing', async () => {
  await using world = await makeWorld()
  const location = await world.image('a.img', LARGE, largeLayout())
  const provider = createLocalProvider({ snapshotsDir: world.snapshots, diskDirs: [world.disks] })
  let closed: Promise<void> | undefined
  const copy = provider.copy({
    snapshotId: 's-1',
    disk: diskAt(location),
    signal: new AbortController().signal,
    onProgress: () => void (closed ??= provider[Symbol.asyncDispose]()),
  })
  await expect(copy).rejects.toThrow('The provider is closed.')
  await closed
  expect(await world.kept()).toEqual([])
})

test('a thread copies one disk after the other, and none that was stopped copies again', async () => {
  await using world = await makeWorld()
  const location = await world.image('a.img', MIB, [[0, randomBytes(MIB)]])
  const stopping = new AbortController()
  let started = 0
  const count = () => started++
  process.on('worker', count)
  try {
    await world.copy(location, { snapshotId: 's-1' })
    const before = started
    await world.copy(location, { snapshotId: 's-2' })
    expect(started).toBe(before)

    const stopped = world.copy(location, {
      snapshotId: 's-3',
      signal: stopping.signal,
      onProgress: () => stopping.abort(),
    })
    await expect(stopped).rejects.toThrow()
    expect(await world.copy(location, { snapshotId: 's-4' })).toMatchObject({ outcome: 'copied' })
  } finally {
    process.off('worker', count)
  }
})

test('a fault on the way to the final place is thrown, keeps nothing, and the copy can be made later', async () => {
  await using world = await makeWorld()
  const location = await world.image('a.img', MIB, [[0, randomBytes(MIB)]])
  const inTheWay = join(world.snapshots, 's-1')
  const copy = world.copy(location, { onProgress: () => writeFileSync(inTheWay, 'a file') })
  await expect(copy).rejects.toThrow('ENOTDIR')
  expect(await world.kept()).toEqual(['s-1'])
  await rm(inTheWay)
  expect(await world.copy(location)).toMatchObject({ outcome: 'copied' })
})

test('an id that could name another place is no snapshot id', async () => {
  await using world = await makeWorld()
  const location = await world.image('a.img', MIB)
  for (const snapshotId of ['..', '../s-1', '.partial', '']) {
    await expect(world.copy(location, { snapshotId })).rejects.toThrow('Not a snapshot id')
  }
})

test.each([
  ['grew', 2 * MIB],
  ['shrank', KIB],
])('a file that %s after its size was looked up is not taken for what it was', async (_how, size) => {
  await using world = await makeWorld()
  await using source = await open(await world.image('a.img', size), 'r')
  await using image = await open(join(world.dir, 'image'), 'wx+')
  const job = { sourceFd: source.fd, path: undefined, isDevice: false, sizeBytes: MIB, imageFd: image.fd }
  const work = { signal: new AbortController().signal, onProgress: () => undefined }
  const copy = await copyInWorker({ ...job, isClone: false }, work)
  expect(copy).toEqual({ result: 'changed' })
})
