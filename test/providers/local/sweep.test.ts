import { readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { makeWorld, MIB, startOther } from './world.ts'

const nothingWaits = () => Promise.resolve(new Set<string>())

test('the sweep leaves everything that was published, and whatever else stands there', async () => {
  await using world = await makeWorld()
  await world.copy(await world.image('a.img', MIB))
  await writeFile(join(world.snapshots, 'notes.txt'), '')
  await world.provider.sweep(nothingWaits)
  expect(await world.kept()).toEqual(['notes.txt', 's-1', 's-1/image', 's-1/manifest.json'])
})

test('the sweep needs no snapshots to be there yet', async () => {
  await using world = await makeWorld()
  await world.provider.sweep(nothingWaits)
  expect(await world.kept()).toEqual([])
})

test('the sweep lets a running copy be', async () => {
  await using world = await makeWorld()
  const location = await world.image('a.img', MIB)
  let swept: Promise<void> | undefined
  const copy = await world.copy(location, {
    onProgress: () => void (swept ??= world.provider.sweep(nothingWaits)),
  })
  await swept
  expect(copy).toMatchObject({ outcome: 'copied' })
})

test('the sweeps of gateways that start take no copy for dead that has just begun', async () => {
  await using world = await makeWorld()
  const location = await world.image('a.img', MIB)
  let isOver = false
  const sweeps = Array.from({ length: 4 }, async () => {
    while (!isOver) await world.provider.sweep(nothingWaits)
  })
  for (let index = 0; index < 20; index++)
    expect(await world.copy(location, { snapshotId: `s-${index}` })).toMatchObject({ outcome: 'copied' })
  isOver = true
  await Promise.all(sweeps)
})

test('the sweep removes what a killed process has left of a copy, and not before it is dead', async () => {
  await using world = await makeWorld()
  const location = await world.image('a.img', MIB)
  const partials = join(world.snapshots, '.partial')
  const module = new URL('../../../src/providers/local/local.ts', import.meta.url).href
  const options = JSON.stringify({ snapshotsDir: world.snapshots, diskDirs: [world.disks] })
  // Stops itself as soon as it hears of progress, so that it dies in the middle of the copy.
  const other = await startOther(
    `
    import(${JSON.stringify(module)}).then(({ createLocalProvider }) =>
      createLocalProvider(${options}).copy({
        snapshotId: 's-1',
        disk: { id: 'v-1', kind: 'DATA', location: process.argv[1], instanceId: null },
        signal: new AbortController().signal,
        onProgress: () => {
          console.log('copying')
          process.kill(process.pid, 'SIGSTOP')
        },
      }),
    )
    `,
    location,
  )
  await world.provider.sweep(nothingWaits)
  expect(await readdir(partials)).toHaveLength(1)
  await other.end()
  await world.provider.sweep(nothingWaits)
  expect(await readdir(partials)).toEqual([])
})
