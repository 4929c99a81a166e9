import { once } from 'node:events'
import { mkdir, readdir, stat } from 'node:fs/promises'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { writeImage } from '../support/app.ts'
import { postGraphql, streamEvents } from '../support/clients.ts'
import { run, startGateway } from '../support/process.ts'
import { CREATE, PROGRESS, REGISTER, sameBytes, temporary, WATCH } from '../support/real-disk.ts'

test('a gateway that is killed in the middle of a copy completes the snapshot after the next start', async () => {
  await using folder = await temporary()
  const env = { DATA_DIR: folder.path, DEMO: 'false', LEASE_MS: '1000' }
  const image = join(folder.path, 'disks', 'big.img')
  await mkdir(join(folder.path, 'disks'))
  await writeImage(image, 200, 100)
  let id: string
  {
    await using gateway = await startGateway(env)
    const registered = await postGraphql(gateway.endpoint, REGISTER, { path: image })
    const created = await postGraphql(gateway.endpoint, CREATE, {
      diskId: registered.data.registerDisk.disk.id,
    })
    id = created.data.createSnapshot.snapshot.id as string
    for await (const { data } of streamEvents(gateway.endpoint, PROGRESS, { id })) {
      if (data.snapshotProgress.percent !== null) break
    }
    await gateway.stop('SIGKILL')
  }
  await using again = await startGateway(env)
  const events = await Array.fromAsync(streamEvents(again.endpoint, WATCH, { id }))
  expect(events.map(({ data }) => data.snapshotStatus.to as string)).toEqual(['CREATING', 'COMPLETED'])
  expect(await sameBytes(join(folder.path, 'snapshots', id, 'image'), image)).toBe(true)
  expect(await readdir(join(folder.path, 'snapshots', '.partial'))).toEqual([])
})

test('bad configuration ends the process before anything is touched, and lists every problem', async () => {
  await using folder = await temporary()
  const env = { DATA_DIR: folder.path, PORT: 'http', HOST: 'two words', COPY_CONCURRENCY: '0' }
  expect(await run('src/main.ts', [], env)).toEqual({
    exitCode: 2,
    stdout: '',
    stderr:
      [
        'Invalid configuration:',
        '  HOST must be an IP address or the name of a host; it is "two words".',
        '  PORT must be a whole number from 0 to 65535; it is "http".',
        '  COPY_CONCURRENCY must be a whole number from 1 to 64; it is "0".',
      ].join('\n') + '\n',
  })
  expect(await readdir(folder.path)).toEqual([])
})

test('a port that is in use ends the process with a sentence that says what to do', async () => {
  await using folder = await temporary()
  const other = createServer().listen(0, '127.0.0.1')
  await once(other, 'listening')
  const { port } = other.address() as AddressInfo
  const exit = await run('src/main.ts', [], {
    DATA_DIR: folder.path,
    PORT: String(port),
    DEMO: 'false',
    LOG_LEVEL: 'silent',
  })
  other.close()
  expect(exit).toEqual({
    exitCode: 1,
    stdout: '',
    stderr: `Port ${port} on 127.0.0.1 is in use. Stop what listens there, or set PORT to another one.\n`,
  })
})

test('a newcomer finds disks of both kinds in many statuses, one with room for one more snapshot, and one failure with its reason', async () => {
  await using folder = await temporary()
  await using gateway = await startGateway({ DATA_DIR: folder.path })
  const { endpoint } = gateway
  const world = `{
    disks { nodes { id name kind status snapshotQuota { manual { used limit remaining } } } }
    snapshots(filter: { status: { eq: FAILED } }) { nodes { name failureReason disk { name } } }
  }`
  const { disks, snapshots } = (await postGraphql(endpoint, world)).data
  const nodes = disks.nodes as {
    id: string
    name: string
    kind: string
    status: string
    snapshotQuota: any
  }[]
  expect(
    nodes.map(({ name, kind, status, snapshotQuota }) => [name, kind, status, snapshotQuota.manual.used]),
  ).toEqual([
    ['analytics', 'DATA', 'SCALING', 0],
    ['build-cache', 'DATA', 'UNMOUNTED', 255],
    ['lost-volume', 'DATA', 'ERROR', 0],
    ['media-archive', 'DATA', 'UNMOUNTED', 1],
    ['old-project', 'DATA', 'EXPIRED', 0],
    ['orders-db', 'DATA', 'IN_USE', 1],
    ['template-1-root', 'SYSTEM', 'NORMAL', 0],
    ['web-1-root', 'SYSTEM', 'IN_USE', 1],
  ])
  expect(snapshots.nodes).toEqual([
    {
      name: 'during-import',
      failureReason: expect.stringMatching(/^The disk was written to while it was being copied/),
      disk: { name: 'orders-db' },
    },
  ])

  const sizes: [string, number][] = []
  const page = `query ($after: String) {
    snapshots(first: 100, after: $after, filter: { status: { eq: COMPLETED } }) {
      nodes { id sizeBytes } pageInfo { endCursor hasNextPage }
    }
  }`
  for (let after: string | null = null, more = true; more;) {
    const list: any = (await postGraphql(endpoint, page, { after })).data.snapshots
    for (const { id, sizeBytes } of list.nodes) sizes.push([id as string, sizeBytes as number])
    after = list.pageInfo.endCursor
    more = list.pageInfo.hasNextPage
  }
  expect(sizes).toHaveLength(260)
  for (const [id, size] of sizes)
    expect((await stat(join(folder.path, 'snapshots', id, 'image'))).size).toBe(size)

  const diskId = nodes[1]?.id
  const create = `mutation ($diskId: ID!) { createSnapshot(input: { diskId: $diskId, name: "one-more" }) {
    __typename
    ... on CreateSnapshotPayload { snapshot { id } }
    ... on SnapshotQuotaExceeded { used limit }
  } }`
  const accepted = (await postGraphql(endpoint, create, { diskId })).data.createSnapshot
  expect(accepted).toEqual({ __typename: 'CreateSnapshotPayload', snapshot: { id: expect.any(String) } })
  await Array.fromAsync(streamEvents(endpoint, WATCH, { id: accepted.snapshot.id }))
  expect((await postGraphql(endpoint, create, { diskId })).data.createSnapshot).toEqual({
    __typename: 'SnapshotQuotaExceeded',
    used: 256,
    limit: 256,
  })
})
