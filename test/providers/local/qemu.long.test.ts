import { execFileSync } from 'node:child_process'
import { open, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { connectMonitor, NOTHING } from '../../../src/providers/local/qmp.ts'
import { hasQemu, startQemu, type Qemu } from '../../support/qemu.ts'
import { makeWorld } from './world.ts'

const BLOCK = 64 * 1024
const BLOCKS = 4096
const SIZE = BLOCKS * BLOCK

/** Writes a number into one block after the other, and the next number when all blocks have it. */
function numbered(): () => string {
  let count = BLOCKS
  return () => {
    const [number, block] = [Math.floor(count / BLOCKS) % 250, count % BLOCKS]
    count++
    return `write -q -P ${number} ${block * BLOCK} ${BLOCK}\n`
  }
}

/** The first byte of each block: `number` in the first ones, and what was there a round before in all others. */
async function numbersIn(path: string): Promise<number[]> {
  await using file = await open(path)
  const numbers: number[] = []
  const byte = Buffer.alloc(1)
  for (let block = 0; block < BLOCKS; block++) {
    await file.read(byte, 0, 1, block * BLOCK)
    numbers.push(byte.readUInt8(0))
  }
  return numbers
}

/** How often the number changes from one block to the next: once at most at any one moment. */
const changesIn = (numbers: number[]): number =>
  numbers.filter((number, at) => at > 0 && number !== numbers[at - 1]).length

async function heldByQemu(qemu: Qemu, format: 'raw' | 'qcow2' = 'raw') {
  const world = await makeWorld({ monitors: ['vm.sock'] })
  const image = await world.image('a.img', SIZE)
  if (format === 'qcow2') execFileSync('qemu-img', ['create', '-q', '-f', 'qcow2', image, String(SIZE)])
  const monitor = join(world.dir, 'vm.sock')
  const running = await startQemu(qemu, { dir: world.dir, image, format, monitor })
  onTestFinished(async () => {
    await running[Symbol.asyncDispose]()
    await world[Symbol.asyncDispose]()
  })
  return { world, image, running }
}

for (const qemu of ['qemu-storage-daemon', 'qemu-system-x86_64'] as const) {
  describe.skipIf(!hasQemu(qemu))(`${qemu} (skipped where it is missing)`, () => {
    test('a disk is copied as it was at one moment, while it is written to all the time', async () => {
      const { world, image, running } = await heldByQemu(qemu)
      await using _writer = running.write(numbered())
      for (let round = 1; round <= 5; round++) {
        const progress: number[] = []
        const request = { snapshotId: `s-${round}`, onProgress: (done: number) => void progress.push(done) }
        const copy = await world.copy(image, request)
        expect(copy).toMatchObject({
          outcome: 'copied',
          consistency: 'CRASH_CONSISTENT',
          sizeBytes: BigInt(SIZE),
        })
        expect(progress).toEqual(progress.toSorted((a, b) => a - b))
        expect(progress.at(-1)).toBe(SIZE)
        const numbers = await numbersIn(join(world.snapshots, `s-${round}`, 'image'))
        expect(changesIn(numbers)).toBeLessThanOrEqual(1)
      }
    })

    test('the file of a qcow2 image is left to the copy from the file: a backup forbids that it grows', async () => {
      const { world, image, running } = await heldByQemu(qemu, 'qcow2')
      await using _writer = running.write(numbered())
      expect(await world.copy(image)).toMatchObject({
        reason: expect.stringContaining('was written to') as string,
      })
      using monitor = await connectMonitor(join(world.dir, 'vm.sock'))
      expect(await monitor.execute(NOTHING, 'query-block-jobs')).toEqual([])
    })

    test('holes of the disk are holes of its copy', async () => {
      const { world, image } = await heldByQemu(qemu)
      expect(await world.copy(image)).toMatchObject({ outcome: 'copied', dataBytes: 0n })
      expect((await stat(join(world.snapshots, 's-1', 'image'))).blocks).toBe(0)
    })

    test('a backup that a killed gateway has left is ended by the next gateway', async () => {
      const { world } = await heldByQemu(qemu)
      const [path, filename] = [join(world.dir, 'vm.sock'), await world.image('left.img', SIZE)]
      {
        using dead = await connectMonitor(path)
        const target = { driver: 'file', filename, 'node-name': 'snapgate-dead' }
        await dead.execute(NOTHING, 'blockdev-add', target)
        const backup = {
          'job-id': 'snapgate.dead',
          device: 'file',
          target: 'snapgate-dead',
          sync: 'full',
          speed: 1,
        }
        await dead.execute(NOTHING, 'blockdev-backup', backup)
      }
      await world.provider.sweep(() => Promise.resolve(new Set()))
      using monitor = await connectMonitor(path)
      expect(await monitor.execute(NOTHING, 'query-block-jobs')).toEqual([])
      const nodes = await monitor.execute(NOTHING, 'query-named-block-nodes')
      expect(JSON.stringify(nodes)).not.toContain('snapgate-dead')
    })
  })
}
