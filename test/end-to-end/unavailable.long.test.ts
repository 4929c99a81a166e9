import { renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import SQLite from 'better-sqlite3'
import { expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { UNAVAILABLE } from '../../src/domain/unavailable.ts'
import { startTestApp, type TestApp } from '../support/app.ts'
import { CAN_MOUNT, coverReadOnly, mountTmpfs } from '../support/mounts.ts'

const CREATE = `mutation ($diskId: ID!, $name: String!) {
  createSnapshot(input: { diskId: $diskId, name: $name }) {
    ... on CreateSnapshotPayload { snapshot { name } } ... on UserError { code }
  } }`
const RENAME = `mutation ($diskId: ID!, $name: String!) {
  updateDisk(input: { diskId: $diskId, name: $name }) { ... on UpdateDiskPayload { disk { name } } } }`
const NAMES = '{ snapshots { nodes { name } } }'
const WATCH = 'subscription { snapshotTransitions { to } }'

const ready = async (app: TestApp) => {
  const response = await fetch(`${app.url}/readyz`)
  return [response.status, await response.text()]
}
const READY = [200, 'ok\n']

/** What a call over HTTP says when it is refused. */
const refusal = ({ status, headers, errors, data }: Awaited<ReturnType<TestApp['graphql']>>) => ({
  status,
  retryAfter: headers.get('retry-after'),
  data: data as unknown,
  errors: errors?.map(({ message, extensions: { code } }) => [code, message]),
})
const unavailable = (reason: keyof typeof UNAVAILABLE) => [
  ['SERVICE_UNAVAILABLE', `${UNAVAILABLE[reason]} Try again in a moment.`],
]

async function overWebSocket(app: TestApp, query: string, variables: Record<string, unknown>) {
  await using socket = app.webSocket()
  const { promise, resolve } = Promise.withResolvers<unknown>()
  socket.subscribe(
    { query, variables },
    { next: resolve, error: resolve, complete: () => resolve('complete') },
  )
  return await promise
}

/** The status with which a new WebSocket is turned away. */
function upgrade(app: TestApp): Promise<number | undefined> {
  const socket = new WebSocket(app.endpoint.replace('http', 'ws'), 'graphql-transport-ws')
  return new Promise((resolve) => {
    socket.on('unexpected-response', (request, response) => {
      request.destroy()
      resolve(response.statusCode)
    })
    socket.on('open', () => resolve(undefined)).on('error', () => undefined)
  })
}

test('a database that is removed while the gateway runs is noticed, nothing is answered from it, and it can come back', async () => {
  await using app = await startTestApp({ LOG_LEVEL: 'error' })
  const disk = await app.disk()
  const file = join(app.dataDir, 'snapgate.db')
  const create = (name: string) => app.graphql(CREATE, { diskId: disk.id, name })
  expect((await create('kept')).data.createSnapshot.snapshot).toEqual({ name: 'kept' })
  await app.graphql(NAMES)
  expect((await app.graphql(NAMES)).data.snapshots.nodes).toEqual([{ name: 'kept' }])
  expect(await ready(app)).toEqual(READY)

  await using socket = app.webSocket()
  const closed = new Promise((resolve) => socket.on('closed', (event) => resolve((event as CloseEvent).code)))
  const ended = new Promise((resolve) => {
    socket.subscribe({ query: WATCH }, { next: () => undefined, error: resolve, complete: () => undefined })
  })
  const events = app.sse(WATCH)
  const eventsEnded = events.next().then(
    ({ value }) => value as unknown,
    (error: unknown) => (error as Error).name,
  )
  await expect.poll(() => app.hub.listeners).toBe(2)

  const removedAt = performance.now()
  renameSync(file, `${file}-away`)
  await expect.poll(() => ready(app), { interval: 50 }).toEqual([503, `${UNAVAILABLE.REMOVED}\n`])
  expect(performance.now() - removedAt).toBeLessThan(2_000)

  const refused = { status: 503, retryAfter: '5', data: undefined, errors: unavailable('REMOVED') }
  expect(refusal(await create('lost'))).toEqual(refused)
  // Also what the gateway knows by heart.
  expect(refusal(await app.graphql(NAMES))).toEqual(refused)
  // Cut off without `complete`, so that its client comes again.
  expect([await closed, await eventsEnded]).toEqual([1001, 'TypeError'])
  await ended
  expect(await upgrade(app)).toBe(503)
  await expect(app.runner.tick()).resolves.toBe(undefined)
  expect(app.logged.filter(({ msg }) => String(msg).startsWith('not ready'))).toMatchObject([
    { reason: 'REMOVED', path: file, err: { message: `${file} is not there any more` } },
  ])

  renameSync(`${file}-away`, file)
  await expect.poll(() => ready(app)).toEqual(READY)
  await app.runner.tick()
  expect((await create('after')).data.createSnapshot.snapshot).toEqual({ name: 'after' })
  expect((await app.graphql(NAMES)).data.snapshots.nodes).toHaveLength(2)
})

test('while another process holds the lock, reads go on, the gateway says that it is not ready, and writes follow', async () => {
  await using app = await startTestApp()
  const disk = await app.disk()
  const other = new SQLite(join(app.dataDir, 'snapgate.db'))
  other.exec('BEGIN EXCLUSIVE')
  const created = app.graphql(CREATE, { diskId: disk.id, name: 'patient' })
  const renamed = app.graphql(RENAME, { diskId: disk.id, name: 'renamed' })
  await expect.poll(() => ready(app)).toEqual([503, `${UNAVAILABLE.LOCKED}\n`])
  expect((await app.graphql(NAMES)).data.snapshots.nodes).toEqual([])
  other.exec('COMMIT')
  other.close()
  expect((await created).data.createSnapshot.snapshot).toEqual({ name: 'patient' })
  expect((await renamed).data.updateDisk.disk).toEqual({ name: 'renamed' })
  await expect.poll(() => ready(app)).toEqual(READY)
})

test.skipIf(!CAN_MOUNT)(
  'on a full file system writes are SERVICE_UNAVAILABLE on every transport, reads go on, and all is well once there is room',
  async () => {
    using storage = mountTmpfs('4m')
    const file = join(storage.path, 'snapgate.db')
    await using app = await startTestApp({ DATABASE_URL: `file:${file}`, LOG_LEVEL: 'error' })
    const disk = await app.disk()
    const create = (name: string) => app.graphql(CREATE, { diskId: disk.id, name })
    const rename = (name: string) => app.graphql(RENAME, { diskId: disk.id, name })
    fill(storage.path)

    // What the log has room for already is still written.
    let answer = await rename('renamed')
    for (let n = 1; answer.errors === undefined && n < 1_000; n++) answer = await rename(`renamed-${n}`)
    const refused = { status: 503, retryAfter: '1', data: null, errors: unavailable('FULL') }
    expect([refusal(answer), refusal(await create('hot'))]).toEqual([refused, refused])
    expect(await ready(app)).toEqual([503, `${UNAVAILABLE.FULL}\n`])
    expect(await overWebSocket(app, CREATE, { diskId: disk.id, name: 'socket' })).toMatchObject({
      errors: [{ extensions: { code: 'SERVICE_UNAVAILABLE' } }],
    })
    expect((await app.graphql(NAMES)).status).toBe(200)
    expect(app.logged.filter(({ msg }) => String(msg).startsWith('not ready'))).toMatchObject([
      { reason: 'FULL', err: { code: expect.stringMatching(/^SQLITE_(FULL|IOERR)/) } },
    ])

    rmSync(join(storage.path, 'filler'))
    await expect.poll(() => ready(app)).toEqual(READY)
    expect((await create('again')).data.createSnapshot.snapshot).toEqual({ name: 'again' })
  },
)

function fill(folder: string): void {
  for (let bytes = 4 * 1024 * 1024; bytes >= 4096;) {
    try {
      writeFileSync(join(folder, 'filler'), Buffer.alloc(bytes), { flag: 'a' })
    } catch {
      bytes /= 2
    }
  }
}

test.skipIf(!CAN_MOUNT)(
  'on a file system that has become read-only writes are refused, and reads go on',
  async () => {
    using storage = mountTmpfs('8m')
    await using app = await startTestApp({ DATABASE_URL: `file:${join(storage.path, 'snapgate.db')}` })
    const disk = await app.disk()
    {
      using _covered = coverReadOnly(storage.path)
      await expect.poll(() => ready(app)).toEqual([503, `${UNAVAILABLE.READ_ONLY}\n`])
      expect(refusal(await app.graphql(CREATE, { diskId: disk.id, name: 'a' }))).toEqual({
        status: 503,
        retryAfter: '1',
        data: null,
        errors: unavailable('READ_ONLY'),
      })
      expect((await app.graphql(NAMES)).data.snapshots.nodes).toEqual([])
    }
    await expect.poll(() => ready(app)).toEqual(READY)
    const { data } = await app.graphql(CREATE, { diskId: disk.id, name: 'b' })
    expect(data.createSnapshot.snapshot).toEqual({ name: 'b' })
  },
)
