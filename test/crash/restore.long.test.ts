import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { postGraphql, streamEvents } from '../support/clients.ts'
import { copyDatabase } from '../support/copy-database.ts'
import { startGateway, type Gateway } from '../support/process.ts'

const WATCH = 'subscription ($after: String) { snapshotTransitions(after: $after) { sequence } }'

/** A gateway process with one disk, whose snapshots are taken one after the other. */
async function startWorld() {
  const dataDir = await mkdtemp(join(tmpdir(), 'snapgate-'))
  onTestFinished(() => rm(dataDir, { recursive: true, force: true }))
  await mkdir(join(dataDir, 'disks'))
  await writeFile(join(dataDir, 'disks', 'one.img'), Buffer.alloc(4096, 1))
  const start = () => startGateway({ DATA_DIR: dataDir, DEMO: 'false' })
  return { dataDir, start, database: join(dataDir, 'snapgate.db') }
}

async function take(gateway: Gateway, disk: string, name: string): Promise<string> {
  const id = await gateway.snapshot({ id: disk }, { name })
  for await (const { data: event } of streamEvents(
    gateway.endpoint,
    'subscription ($id: ID!) { snapshotStatus(id: $id) { to cursor } }',
    { id },
  ))
    if (event.snapshotStatus.to === 'COMPLETED') return event.snapshotStatus.cursor as string
  throw new Error('The stream ended before the snapshot was completed.')
}

const registered = async (gateway: Gateway, path: string) => {
  const { data } = await postGraphql(
    gateway.endpoint,
    `mutation ($path: String!) { registerDisk(input: { path: $path, name: "one", kind: DATA }) {
      ... on RegisterDiskPayload { disk { id } } } }`,
    { path },
  )
  return data.registerDisk.disk.id as string
}

test('cursors outlive a clean restart and a kill, and not a restore of the file that the gateway was stopped for', async () => {
  const { dataDir, start, database } = await startWorld()
  const backup = join(dataDir, 'backup.db')
  const codesOf = async (gateway: Gateway, after: string) => {
    for await (const { data, errors } of streamEvents(gateway.endpoint, WATCH, { after }))
      return errors?.[0]?.extensions.code ?? (data.snapshotTransitions.sequence as number)
    return undefined
  }
  const cursors: string[] = []
  let gateway = await start()
  const disk = await registered(gateway, join(dataDir, 'disks', 'one.img'))
  cursors.push(await take(gateway, disk, 'one'))
  await gateway.stop('SIGTERM')
  gateway = await start()
  cursors.push(await take(gateway, disk, 'two'))
  await gateway.stop('SIGKILL')
  gateway = await start()
  expect(await codesOf(gateway, cursors[0] ?? '')).toBe(3)

  await copyDatabase(database, backup)
  cursors.push(await take(gateway, disk, 'lost'))
  expect(await codesOf(gateway, cursors[1] ?? '')).toBe(5)
  await gateway.stop('SIGTERM')
  await copyFile(backup, database)
  for (const suffix of ['-wal', '-shm']) await rm(`${database}${suffix}`, { force: true })

  gateway = await start()
  expect(await codesOf(gateway, cursors[2] ?? '')).toBe('CURSOR_EXPIRED')
  await take(gateway, disk, 'three')
  await take(gateway, disk, 'four')
  expect(await codesOf(gateway, cursors[2] ?? '')).toBe('CURSOR_EXPIRED')
  expect(await Promise.all(cursors.slice(0, 2).map((cursor) => codesOf(gateway, cursor)))).toEqual([3, 5])

  // The same while it runs, as `.restore` does it.
  const after = await take(gateway, disk, 'five')
  const open = Promise.withResolvers<undefined>()
  const ended = (async () => {
    const codes: string[] = []
    for await (const { errors } of streamEvents(gateway.endpoint, WATCH, { after: cursors[0] })) {
      open.resolve(undefined)
      if (errors) codes.push(...errors.map(({ extensions }) => extensions.code))
    }
    return codes
  })()
  await open.promise
  await copyDatabase(backup, database)
  expect(await ended).toEqual(['CURSOR_EXPIRED'])
  expect(await codesOf(gateway, after)).toBe('CURSOR_EXPIRED')
  expect(gateway.stdout()).toContain('the database was restored')
  await gateway.stop('SIGTERM')
})
