import { createReadStream } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { makeWorld, startOther } from './world.ts'

const BLOCK = 4096
const BLOCKS = 16_384
/** Odd, so that consecutive writes go to every block in turn, far from each other. */
const STRIDE = 7919

/** Numbers its writes, which visit every block before any again, in bursts with pauses. */
const WRITER = `
  const fs = require('node:fs')
  const file = fs.openSync(process.argv[1], 'r+')
  const block = Buffer.alloc(${BLOCK})
  let number = 0
  const burst = () => {
    for (let left = Math.random() * 3000; left > 0; left--) {
      block.writeDoubleLE(++number)
      fs.writeSync(file, block, 0, ${BLOCK}, ((number * ${STRIDE}) % ${BLOCKS}) * ${BLOCK})
    }
    setTimeout(burst, Math.random() ** 2 * 1000)
  }
  burst()
  console.log('ready')
`

async function numbersIn(path: string): Promise<number[]> {
  const numbers: number[] = []
  for await (const bytes of createReadStream(path, { highWaterMark: 16 * BLOCK }) as AsyncIterable<Buffer>) {
    for (let at = 0; at < bytes.length; at += BLOCK) numbers.push(bytes.readDoubleLE(at))
  }
  return numbers
}

test('a copy that is kept holds the disk as it was at one moment, whatever its writer does', async () => {
  await using world = await makeWorld()
  const location = await world.image('a.img', BLOCKS * BLOCK, [[0, Buffer.alloc(BLOCKS * BLOCK)]])
  await using _writer = await startOther(WRITER, location)
  let kept = 0
  for (let round = 1; round <= 40; round++) {
    const copy = await world.copy(location, { snapshotId: `s-${round}` })
    if (copy.outcome === 'refused') continue
    kept++
    expect(copy.consistency).toBe('CRASH_CONSISTENT')
    const numbers = await numbersIn(join(world.snapshots, `s-${round}`, 'image'))
    const last = Math.max(...numbers)
    const expected = numbers.map(() => 0)
    for (let number = last; number > last - BLOCKS && number > 0; number--) {
      expected[(number * STRIDE) % BLOCKS] = number
    }
    expect(numbers).toEqual(expected)
    await rm(join(world.snapshots, `s-${round}`), { recursive: true })
  }
  expect(kept).toBeGreaterThan(0)
})
