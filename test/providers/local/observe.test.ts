import { rename } from 'node:fs/promises'
import { expect, test } from 'vitest'
import type { DiskObservation, DiskReference } from '../../../src/providers/provider.ts'
import { diskAt, HOLD_OPEN, makeWorld, startOther, type World } from './world.ts'

const hasProc = process.platform === 'linux'

async function look(world: World, disk: DiskReference): Promise<DiskObservation | undefined> {
  const seen = (await world.provider.observe([disk])).get(disk.id)
  if (seen instanceof Error) throw seen
  return seen
}

test('a disk that nobody uses is UNMOUNTED when it is a data disk, NORMAL when it is a system disk', async () => {
  await using world = await makeWorld()
  const location = await world.image('a.img', 5000)
  expect(
    await world.provider.observe([
      diskAt(location, { id: 'v-data' }),
      diskAt(location, { id: 'v-system', kind: 'SYSTEM' }),
    ]),
  ).toEqual(
    new Map([
      ['v-data', { status: 'UNMOUNTED', statusReason: null, sizeBytes: 5000n, identity: expect.any(String) }],
      ['v-system', { status: 'NORMAL', statusReason: null, sizeBytes: 5000n, identity: expect.any(String) }],
    ]),
  )
})

test('a disk that is attached to an instance is IN_USE', async () => {
  await using world = await makeWorld()
  const location = await world.image('a.img', 5000)
  expect(await look(world, diskAt(location, { instanceId: 'i-1' }))).toEqual({
    status: 'IN_USE',
    statusReason: null,
    sizeBytes: 5000n,
    identity: expect.any(String),
  })
})

test.skipIf(!hasProc)(
  'a disk that another process has open is IN_USE until that process is gone',
  async () => {
    await using world = await makeWorld()
    const location = await world.image('a.img', 5000)
    const other = await startOther(HOLD_OPEN, location)
    expect(await look(world, diskAt(location))).toMatchObject({ status: 'IN_USE' })
    expect(await world.copy(location)).toMatchObject({ outcome: 'copied', consistency: 'CRASH_CONSISTENT' })
    await other.end()
    expect(await look(world, diskAt(location))).toMatchObject({ status: 'UNMOUNTED' })
  },
)

test.skipIf(!hasProc)('another name does not hide that a disk is in use', async () => {
  await using world = await makeWorld()
  const first = await world.image('first-name.img', 5000)
  await using _other = await startOther(HOLD_OPEN, first)
  await rename(first, first.replace('first', 'second'))
  expect(await look(world, diskAt(first.replace('first', 'second')))).toMatchObject({ status: 'IN_USE' })
})

test('of many disks that are looked at together, each gets what is seen of its own image', async () => {
  await using world = await makeWorld()
  const disks: DiskReference[] = []
  const expected = new Map<string, DiskObservation>()
  for (let n = 0; n < 40; n++) {
    const id = `v-${n}`
    const location = await world.image(`${n}.img`, 5000 + n)
    const isMissing = n % 5 === 0
    disks.push(diskAt(isMissing ? `${location}.gone` : location, { id, instanceId: n % 3 ? null : 'i-1' }))
    expected.set(
      id,
      isMissing
        ? { status: 'ERROR', statusReason: 'The image file is missing.', sizeBytes: null, identity: null }
        : {
            status: n % 3 ? 'UNMOUNTED' : 'IN_USE',
            statusReason: null,
            sizeBytes: BigInt(5000 + n),
            identity: expect.any(String),
          },
    )
  }

  expect(await world.provider.observe(disks)).toEqual(expected)
})

test('a missing image is an ERROR with its reason, and the disk is well when it is back', async () => {
  await using world = await makeWorld()
  const location = await world.image('a.img', 5000)
  await rename(location, `${location}.away`)
  expect(await look(world, diskAt(location))).toEqual({
    status: 'ERROR',
    statusReason: 'The image file is missing.',
    sizeBytes: null,
    identity: null,
  })
  await rename(`${location}.away`, location)
  expect(await look(world, diskAt(location))).toMatchObject({ status: 'UNMOUNTED', statusReason: null })
})
