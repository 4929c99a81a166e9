import { randomBytes } from 'node:crypto'
import { symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, onTestFinished, test, vi } from 'vitest'
import { startFakeMonitor, type Manners } from '../../support/fake-monitor.ts'
import { HOLD_OPEN, makeWorld, MIB, startOther } from './world.ts'

/** A disk that another process has open, and a monitor that says it is QEMU's. */
async function heldDisk(manners?: Manners) {
  const world = await makeWorld({ monitors: ['vm.sock', 'other.sock'] })
  const location = await world.image('a.img', 4 * MIB, [[MIB, randomBytes(MIB)]])
  const other = await startOther(HOLD_OPEN, location)
  // Another name of the file: what counts is which file it is.
  await symlink(location, join(world.dir, 'as-qemu-knows-it'))
  const disk = { file: join(world.dir, 'as-qemu-knows-it'), sizeBytes: 4 * MIB }
  const monitor = await startFakeMonitor(join(world.dir, 'vm.sock'), disk, manners)
  onTestFinished(async () => {
    await monitor[Symbol.asyncDispose]()
    await other.end()
    await world[Symbol.asyncDispose]()
  })
  return { world, location, monitor, disk }
}

test('a disk that QEMU has open is copied by QEMU, at the moment at which its backup begins', async () => {
  const { world, location, monitor } = await heldDisk()
  const before = Date.now()
  const progress: [number, number][] = []
  const copy = await world.copy(location, { onProgress: (...bytes) => void progress.push(bytes) })
  expect(copy).toMatchObject({ outcome: 'copied', consistency: 'CRASH_CONSISTENT', dataBytes: BigInt(MIB) })
  const { dataAt } = copy as { dataAt: Date }
  expect(dataAt.getTime()).toBeGreaterThanOrEqual(before)
  expect(dataAt.getTime()).toBeLessThanOrEqual(Date.now())
  expect(progress.at(-1)).toEqual([4 * MIB, 4 * MIB])
  expect(monitor.asked).toContain('blockdev-backup')
  expect([...monitor.nodes.keys()]).toEqual(['d', 'f'])
  expect(await world.kept()).toEqual(['s-1', 's-1/image', 's-1/manifest.json'])
  expect(
    await world.provider.verify({
      snapshotId: 's-1',
      checksum: (copy as { checksum: string }).checksum,
      onProgress: () => undefined,
      signal: new AbortController().signal,
    }),
  ).toEqual({ outcome: 'done' })
})

test('a disk that QEMU has open for reading only is copied as any other', async () => {
  const { world, location, monitor } = await heldDisk()
  monitor.nodes.set('f', { file: location, ro: true })
  expect(await world.copy(location)).toMatchObject({ outcome: 'copied' })
  expect(monitor.asked).not.toContain('blockdev-backup')
})

test('a disk that QEMU has open in another format than raw is copied as any other', async () => {
  const { world, location, monitor } = await heldDisk()
  monitor.nodes.set('d', { file: location, ro: false, drv: 'qcow2' })
  expect(await world.copy(location)).toMatchObject({ outcome: 'copied' })
  expect(monitor.asked).not.toContain('blockdev-backup')
})

test('a disk that two QEMU processes have open is copied as any other: neither knows what the other writes', async () => {
  const { world, location, monitor, disk } = await heldDisk()
  await using _other = await startFakeMonitor(join(world.dir, 'other.sock'), disk)
  expect(await world.copy(location)).toMatchObject({ outcome: 'copied' })
  expect(monitor.asked).not.toContain('blockdev-backup')
})

test.each<[what: string, manners: Manners]>([
  ['does not greet', { greets: '' }],
  ['speaks another protocol', { greets: 'SSH-2.0-OpenSSH_9.2' }],
  ['sends a line without an end', { greets: 'x'.repeat(9 * MIB) }],
  ['closes the connection', { answers: { qmp_capabilities: 'end' } }],
  [
    'knows no nodes',
    { answers: { 'query-named-block-nodes': { error: { class: 'CommandNotFound', desc: 'no' } } } },
  ],
])('a monitor that %s leaves the disk to be copied as any other', async (_, manners) => {
  const { world, location } = await heldDisk(manners)
  expect(await world.copy(location)).toMatchObject({ outcome: 'copied', consistency: 'CRASH_CONSISTENT' })
})

test('a refusal by QEMU fails the snapshot with its words, without paths', async () => {
  const desc = "Could not open '/srv/snapshots/.partial/s-1.0/image': Permission denied"
  const { world, location } = await heldDisk({
    answers: { 'blockdev-add': { error: { class: 'GenericError', desc } } },
  })
  expect(await world.copy(location)).toEqual({
    outcome: 'refused',
    reason: 'QEMU could not copy the disk: Could not open …: Permission denied',
  })
  expect(await world.kept()).toEqual([])
})

test('a backup for which the storage has no room fails the snapshot with the figures', async () => {
  const { world, location, monitor } = await heldDisk({
    completion: { offset: 0, error: 'No space left on device' },
  })
  const copy = await world.copy(location)
  expect(copy).toMatchObject({ outcome: 'refused' })
  expect((copy as { reason: string }).reason).toMatch(/^There is not enough space for the snapshot/)
  expect([...monitor.nodes.keys()]).toEqual(['d', 'f'])
})

test('a backup that ends before all bytes are copied is no copy, and may be tried again', async () => {
  const { world, location } = await heldDisk({ completion: { offset: MIB } })
  await expect(world.copy(location)).rejects.toMatchObject({ code: 'EPROTO' })
  expect(await world.kept()).toEqual([])
})

test('a QEMU process that ends meanwhile is a fault that passes', async () => {
  const { world, location } = await heldDisk({ answers: { 'blockdev-backup': 'end' } })
  await expect(world.copy(location)).rejects.toThrow()
  expect(await world.kept()).toEqual([])
})

test('a snapshot that is cancelled ends its backup in QEMU', async () => {
  const { world, location, monitor } = await heldDisk({ ends: false })
  const stop = new AbortController()
  const copy = world.copy(location, { signal: stop.signal })
  await vi.waitFor(() => expect(monitor.jobs.size).toBe(1))
  stop.abort(new Error('Cancelled.'))
  await expect(copy).rejects.toThrow('Cancelled.')
  expect(monitor.jobs.size).toBe(0)
  expect([...monitor.nodes.keys()]).toEqual(['d', 'f'])
  expect(await world.kept()).toEqual([])
})

test('what a killed gateway has left in QEMU is removed by the next one', async () => {
  const { world, monitor } = await heldDisk()
  monitor.jobs.add('snapgate.dead').add('of-others')
  monitor.nodes.set('snapgate-dead', { file: '/nowhere', ro: false })
  await world.provider.sweep(() => Promise.resolve(new Set()))
  await vi.waitFor(() => expect([...monitor.nodes.keys()]).toEqual(['d', 'f']))
  expect([...monitor.jobs]).toEqual(['of-others'])
})

test.each([
  ['greets nobody', { greets: '' }],
  ['answers nothing', { answers: { qmp_capabilities: null } }],
])('a start does not wait for a monitor that %s', async (_how, manners) => {
  const { world, monitor } = await heldDisk(manners)
  const began = performance.now()
  await world.provider.sweep(() => Promise.resolve(new Set()))
  expect(performance.now() - began).toBeLessThan(1_000)
  // It was looked at all the same.
  await vi.waitFor(() => expect(monitor.clients()).toBe(1))
})

test('a disk that is written to meanwhile is refused with the monitor that could not be asked', async () => {
  const { world, location } = await heldDisk({ greets: '' })
  const WRITE = `
    const fs = require('node:fs')
    const file = fs.openSync(process.argv[1], 'r+')
    setInterval(() => fs.writeSync(file, 'x', 0), 1)
    console.log('ready')
  `
  await using _writer = await startOther(WRITE, location)
  expect(await world.copy(location)).toEqual({
    outcome: 'refused',
    reason:
      'The disk was written to while it was being copied (3 attempts). Detach the disk or stop writes, then create the snapshot again. A monitor of QEMU, which may have the disk open, could not be asked (ETIMEDOUT).',
  })
})
