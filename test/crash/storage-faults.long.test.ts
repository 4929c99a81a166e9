import { execFileSync } from 'node:child_process'
import { closeSync, mkdirSync, mkdtempSync, openSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { Agent, request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { setTimeout as pause } from 'node:timers/promises'
import SQLite from 'better-sqlite3'
import { expect, onTestFinished, test } from 'vitest'
import { UNAVAILABLE, type Unavailability } from '../../src/domain/unavailable.ts'
import { connectWebSocket, postGraphql, streamEvents, type Answer } from '../support/clients.ts'
import { CAN_MOUNT, coverReadOnly, mountTmpfs } from '../support/mounts.ts'
import { works } from '../support/file-systems.ts'
import { startGateway, type Gateway } from '../support/process.ts'

/** What a running process may use, which `prlimit` of util-linux changes from outside. */
const CAN_LIMIT = works('prlimit --pid $$ --nofile')
const limit = ({ child }: Gateway, resource: string, soft: number | string) =>
  void execFileSync('prlimit', ['--pid', String(child.pid), `--${resource}=${soft}:`])

const CREATE = `mutation ($diskId: ID!, $name: String!) {
  createSnapshot(input: { diskId: $diskId, name: $name }) {
    ... on CreateSnapshotPayload { snapshot { id } } ... on UserError { code } } }`
const RENAME = `mutation ($diskId: ID!, $name: String!) {
  updateDisk(input: { diskId: $diskId, name: $name }) { ... on UpdateDiskPayload { disk { name } } } }`
const DISKS = '{ disks { nodes { id name status } } }'
const SNAPSHOTS = '{ snapshots { nodes { name status failureReason } } }'

/** A connection that stays open: a process that may open no more files takes no new ones. */
function connection(url: string) {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  onTestFinished(() => agent.destroy())
  async function send(path: string, body?: object, accept = 'application/json') {
    const { promise, resolve, reject } = Promise.withResolvers<{ status: number; text: string }>()
    const call = request(`${url}${path}`, {
      agent,
      method: body ? 'POST' : 'GET',
      headers: { accept, ...(body && { 'content-type': 'application/json' }) },
    })
    call.on('response', (response) => {
      text(response).then((content) => resolve({ status: response.statusCode ?? 0, text: content }), reject)
    })
    call.on('error', reject).end(body && JSON.stringify(body))
    return promise
  }
  return {
    async ready() {
      const { status, text } = await send('/readyz')
      return [status, text]
    },
    async graphql(query: string, variables?: object) {
      const { status, text } = await send('/graphql', { query, variables })
      return { status, ...(JSON.parse(text) as Pick<Answer, 'data' | 'errors'>) }
    },
    /** The first event of an event stream. */
    async events(query: string, variables?: object) {
      const { status, text } = await send('/graphql', { query, variables }, 'text/event-stream')
      const [, data = ''] = /^data: (.+)$/m.exec(text) ?? []
      return { status, ...(JSON.parse(data) as Pick<Answer, 'data' | 'errors'>) }
    },
  }
}

const READY = [200, 'ok\n']
const unready = (reason: Unavailability) => [503, `${UNAVAILABLE[reason]}\n`]
const codes = ({ errors }: Pick<Answer, 'errors'>) => errors?.map(({ extensions }) => extensions.code)
const REFUSED = ['SERVICE_UNAVAILABLE']

/** A gateway process with a disk, whose database may lie elsewhere, and a client on each transport. */
async function startWorld({ database }: { database?: string } = {}) {
  const dataDir = mkdtempSync(join(tmpdir(), 'snapgate-'))
  onTestFinished(() => rmSync(dataDir, { recursive: true, force: true }))
  const image = join(dataDir, 'disks', 'one.img')
  mkdirSync(join(dataDir, 'disks'))
  writeFileSync(image, Buffer.alloc(8 * 1024 * 1024, 1))
  const gateway = await startGateway({
    DATA_DIR: dataDir,
    DEMO: 'false',
    ...(database !== undefined && { DATABASE_URL: `file:${database}` }),
  })
  onTestFinished(() => gateway[Symbol.asyncDispose]())
  const client = connection(gateway.url)
  // An event stream keeps its connection for itself.
  const [forCreate, forRename] = [connection(gateway.url), connection(gateway.url)]
  await Promise.all([forCreate.ready(), forRename.ready()])
  const socket = connectWebSocket(gateway.endpoint.replace('http', 'ws'))
  onTestFinished(() => socket[Symbol.asyncDispose]())
  /** The first result over the WebSocket, or the error that ends the operation. */
  async function overSocket(query: string, variables: Record<string, unknown>) {
    const { promise, resolve } = Promise.withResolvers<Pick<Answer, 'data' | 'errors'>>()
    const fail = (error: unknown) => resolve({ data: null, errors: error as Answer['errors'] })
    socket.subscribe(
      { query, variables },
      {
        next: (value) => resolve(value as Pick<Answer, 'data' | 'errors'>),
        error: fail,
        complete: () => undefined,
      },
    )
    return promise
  }
  const { data } = await client.graphql(
    `mutation ($path: String!) { registerDisk(input: { path: $path, name: "one", kind: DATA }) {
      ... on RegisterDiskPayload { disk { id } } } }`,
    { path: image },
  )
  const diskId = data.registerDisk.disk.id as string
  // The socket stays open for as long as it has an operation.
  const cancel = socket.subscribe(
    { query: 'subscription { snapshotTransitions { to } }' },
    { next: () => undefined, error: () => undefined, complete: () => undefined },
  )
  onTestFinished(cancel)
  expect((await overSocket(DISKS, {})).errors).toBe(undefined)
  return {
    dataDir,
    gateway,
    client,
    diskId,
    rename: () => client.graphql(RENAME, { diskId, name: 'one' }),
    /** What two writes answer over HTTP, event streams and WebSocket: one that looks at the disk, and one that does not. */
    refusals: async () => {
      const variables = { diskId, name: 'refused' }
      const [create, rename] = await Promise.all([
        Promise.all([
          client.graphql(CREATE, variables),
          forCreate.events(CREATE, variables),
          overSocket(CREATE, variables),
        ]),
        Promise.all([
          client.graphql(RENAME, variables),
          forRename.events(RENAME, variables),
          overSocket(RENAME, variables),
        ]),
      ])
      return { create: create.map(codes), rename: rename.map(codes) }
    },
    /** Creates a snapshot, and waits until it has ended. */
    take: async (name: string) => {
      const { data, errors } = await client.graphql(CREATE, { diskId, name })
      expect([errors, data?.createSnapshot.snapshot.id]).toEqual([undefined, expect.any(String)])
      const ended = async () => {
        const { data } = await client.graphql(SNAPSHOTS)
        const found = (data.snapshots.nodes as { name: string; status: string }[]).find(
          (one) => one.name === name,
        )
        return found?.status
      }
      await expect.poll(ended, { timeout: 60_000 }).not.toBe('CREATING')
      return await ended()
    },
    disk: async () => {
      const { data, errors } = await client.graphql(DISKS)
      return errors ?? (data.disks.nodes[0] as { name: string; status: string })
    },
    /** The lines of the log with this beginning. */
    logged: (beginning: string) =>
      gateway
        .stdout()
        .split('\n')
        .filter((line) => line.includes(`"msg":"${beginning}`)),
  }
}

const EVERYWHERE = [REFUSED, REFUSED, REFUSED]
const NOWHERE = [undefined, undefined, undefined]

test.skipIf(!CAN_LIMIT)(
  'while no file can be opened, writes are SERVICE_UNAVAILABLE on every transport, reads go on, and no disk or snapshot is blamed',
  async () => {
    const { gateway, client, refusals, take, disk, logged } = await startWorld()
    expect(await take('before')).toBe('COMPLETED')
    limit(gateway, 'nofile', 3)
    await expect.poll(() => client.ready()).toEqual(unready('TOO_MANY_FILES'))
    // What needs no file is done.
    expect(await refusals()).toEqual({ create: EVERYWHERE, rename: NOWHERE })
    expect(await disk()).toMatchObject({ name: 'refused', status: 'UNMOUNTED' })
    expect((await client.graphql(SNAPSHOTS)).data.snapshots.nodes).toHaveLength(1)
    limit(gateway, 'nofile', 1024)
    await expect.poll(() => client.ready()).toEqual(READY)
    expect(await take('after')).toBe('COMPLETED')
    expect(await disk()).toMatchObject({ name: 'refused', status: 'UNMOUNTED' })
    expect(logged('not ready')).toHaveLength(1)
  },
)

async function firstEvent(gateway: Gateway, query: string, variables: Record<string, unknown>) {
  for await (const { data, errors } of streamEvents(gateway.endpoint, query, variables))
    return { data, errors }
  throw new Error('The stream ended without an event.')
}

/** The promise is about this time. */
const until = (at: number) => pause(Math.max(0, at - performance.now()))

function fill(file: string): void {
  for (let bytes = 4 * 1024 * 1024; bytes >= 4096;) {
    try {
      writeFileSync(file, Buffer.alloc(bytes), { flag: 'a' })
    } catch {
      bytes /= 2
    }
  }
}

/** Lets a process open this many more files. */
function leaveFiles(gateway: Gateway, spare: number): void {
  const used = new Set(readdirSync(`/proc/${gateway.child.pid}/fd`).map(Number))
  let bound = 0
  for (let free = 0; free < spare || used.has(bound); bound++) if (!used.has(bound)) free++
  limit(gateway, 'nofile', bound)
}

test.skipIf(!CAN_LIMIT)(
  'a disk that another process has open stays in use while too few files can be opened to see that',
  async () => {
    const { gateway, client, dataDir, diskId, disk } = await startWorld()
    const user = openSync(join(dataDir, 'disks', 'one.img'), 'r')
    onTestFinished(() => closeSync(user))
    await expect.poll(disk).toMatchObject({ status: 'IN_USE' })
    leaveFiles(gateway, 1)
    // The image can be opened, and the processes that may use it cannot be listed.
    const refused = await client.graphql(CREATE, { diskId, name: 'refused' })
    expect([codes(refused), await disk()]).toMatchObject([REFUSED, { status: 'IN_USE' }])
    limit(gateway, 'nofile', 1024)
    await expect.poll(() => client.ready()).toEqual(READY)
    expect(await disk()).toMatchObject({ status: 'IN_USE' })
  },
)

test.skipIf(!CAN_LIMIT)(
  'where files may not grow (ulimit -f), a copy fails with the reason, writes to the database are SERVICE_UNAVAILABLE, and the process goes on',
  async () => {
    const { gateway, client, refusals, rename, take, disk } = await startWorld()
    limit(gateway, 'fsize', 4 * 1024 * 1024)
    expect(await take('large')).toBe('FAILED')
    expect((await client.graphql(SNAPSHOTS)).data.snapshots.nodes).toMatchObject([
      { failureReason: expect.stringContaining('ulimit -f') },
    ])
    limit(gateway, 'fsize', 1024)
    await expect.poll(async () => codes(await rename())).toEqual(REFUSED)
    expect(await client.ready()).toEqual(unready('STORAGE_FAULT'))
    expect(await refusals()).toEqual({ create: EVERYWHERE, rename: EVERYWHERE })
    expect(await disk()).toMatchObject({ name: 'one', status: 'UNMOUNTED' })
    limit(gateway, 'fsize', 'unlimited')
    await expect.poll(() => client.ready()).toEqual(READY)
    expect(await take('after')).toBe('COMPLETED')
    expect(await gateway.stop()).toBe(0)
  },
)

test.skipIf(!CAN_MOUNT)(
  'on storage that is full or read-only, writes are SERVICE_UNAVAILABLE on every transport, reads go on, and all is well afterwards',
  async () => {
    using storage = mountTmpfs('8m')
    const { client, refusals, rename, take, disk, gateway } = await startWorld({
      database: join(storage.path, 'db'),
    })
    {
      using _covered = coverReadOnly(storage.path)
      await expect.poll(() => client.ready()).toEqual(unready('READ_ONLY'))
      expect(await refusals()).toEqual({ create: EVERYWHERE, rename: EVERYWHERE })
      expect(await disk()).toMatchObject({ name: 'one', status: 'UNMOUNTED' })
    }
    await expect.poll(() => client.ready()).toEqual(READY)
    expect(await take('between')).toBe('COMPLETED')
    fill(join(storage.path, 'filler'))
    // What the log has room for already is still written.
    await expect.poll(async () => codes(await rename())).toEqual(REFUSED)
    expect(await client.ready()).toEqual(unready('FULL'))
    expect(await refusals()).toEqual({ create: EVERYWHERE, rename: EVERYWHERE })
    expect((await client.graphql(SNAPSHOTS)).data.snapshots.nodes).toHaveLength(1)
    rmSync(join(storage.path, 'filler'))
    await expect.poll(() => client.ready()).toEqual(READY)
    expect(await take('after')).toBe('COMPLETED')
    expect(await gateway.stop()).toBe(0)
  },
)

test('while another process holds the lock of the database for 30 s, each call waits for its own full time', async () => {
  const { client, diskId, disk, dataDir, gateway } = await startWorld()
  const other = new SQLite(join(dataDir, 'snapgate.db'))
  onTestFinished(() => void other.close())
  const begun = performance.now()
  /** What the calls of one moment answer, over both transports and both ways to write, and when. */
  const calls = (name: string) =>
    Promise.all(
      [CREATE, RENAME].flatMap((query) =>
        [
          postGraphql(gateway.endpoint, query, { diskId, name }),
          firstEvent(gateway, query, { diskId, name }),
        ].map(async (call) => [codes(await call), Math.round((performance.now() - begun) / 1000)] as const),
      ),
    )
  other.exec('BEGIN IMMEDIATE')
  const early = calls('early')
  await expect.poll(() => client.ready()).toEqual(unready('LOCKED'))
  await until(begun + 19_000)
  const late = calls('late')
  expect(await disk()).toMatchObject({ name: 'one' })
  // 20 s after the first ones, and 1 s after the others.
  for (const [code, seconds] of await early) {
    expect(code).toEqual(REFUSED)
    expect(seconds).toBeGreaterThanOrEqual(20)
    expect(seconds).toBeLessThan(23)
  }
  await until(begun + 30_000)
  other.exec('COMMIT')
  for (const [code, seconds] of await late) {
    expect(code).toBe(undefined)
    expect(seconds).toBeGreaterThanOrEqual(30)
  }
  await expect.poll(() => client.ready()).toEqual(READY)
  expect(await disk()).toMatchObject({ name: 'late' })
})
