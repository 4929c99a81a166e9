import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { writeImage } from '../support/app.ts'
import { connectWebSocket, postGraphql, streamEvents } from '../support/clients.ts'
import { startGateway } from '../support/process.ts'
import { CREATE, PROGRESS, REGISTER, sameBytes, temporary, WATCH } from '../support/real-disk.ts'

test('the official WebSocket client and plain fetch both see a snapshot of 200 MiB from CREATING over its progress to COMPLETED', async () => {
  await using folder = await temporary()
  const env = { DATA_DIR: folder.path, DEMO: 'false' }
  const image = join(folder.path, 'disks', 'big.img')
  await mkdir(join(folder.path, 'disks'))
  await writeImage(image, 1024, 200)
  let id: string
  {
    await using gateway = await startGateway(env)
    const { endpoint } = gateway
    const diskId = (await postGraphql(endpoint, REGISTER, { path: image })).data.registerDisk.disk
      .id as string

    const { data } = await postGraphql(endpoint, CREATE, { diskId })
    id = data.createSnapshot.snapshot.id as string
    // The answer is there before the copy, not after it.
    expect(data.createSnapshot.snapshot).toEqual({
      id: expect.stringMatching(/^s-/),
      status: 'CREATING',
      disk: { status: 'SNAPSHOTTING' },
      transitions: [{ to: 'CREATING' }],
    })

    await using client = connectWebSocket(endpoint.replace('http', 'ws'))
    const [overWebSocket, overEvents, progress] = await Promise.all([
      Array.fromAsync(client.iterate({ query: WATCH, variables: { id } })),
      Array.fromAsync(streamEvents(endpoint, WATCH, { id })),
      Array.fromAsync(client.iterate<any>({ query: PROGRESS, variables: { id } })),
    ])

    const life = [
      { data: { snapshotStatus: { from: null, to: 'CREATING' } } },
      { data: { snapshotStatus: { from: 'CREATING', to: 'COMPLETED' } } },
    ]
    expect([overWebSocket, overEvents]).toEqual([life, life])
    const percents = progress
      .map(({ data }) => data.snapshotProgress.percent as number | null)
      .filter((percent) => percent !== null)
    expect(percents).toEqual(percents.toSorted((a, b) => a - b))
    expect(percents.at(-1)).toBe(100)
    expect(percents.some((percent) => percent > 0 && percent < 100)).toBe(true)
    expect(await sameBytes(join(folder.path, 'snapshots', id, 'image'), image)).toBe(true)
    expect(await gateway.stop('SIGTERM')).toBe(0)
  }
  await using again = await startGateway(env)
  const query = `query ($id: ID!) { snapshot(id: $id) { name status dataBytes disk { name } transitions { to } } }`
  expect((await postGraphql(again.endpoint, query, { id })).data.snapshot).toEqual({
    name: 'first',
    status: 'COMPLETED',
    dataBytes: 200 * 1024 ** 2,
    disk: { name: 'big' },
    transitions: [{ to: 'CREATING' }, { to: 'COMPLETED' }],
  })
  expect(await again.stop('SIGINT')).toBe(0)
})
