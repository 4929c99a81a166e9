import { chmod, cp, mkdir, mkdtemp, open, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { postGraphql, streamEvents } from '../support/clients.ts'
import { run, startGateway, type Gateway } from '../support/process.ts'

/** A gateway process with a disk of its own, and commands on its data. */
async function startWorld() {
  const folder = await mkdtemp(join(tmpdir(), 'snapgate-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const dataDir = join(folder, 'data')
  await mkdir(join(dataDir, 'disks'), { recursive: true })
  const image = join(dataDir, 'disks', 'one.img')
  await writeFile(image, Buffer.alloc(1024 * 1024, 1))
  const env = { DATA_DIR: dataDir, DEMO: 'false', PATH: process.env['PATH'] ?? '' }
  const command = (name: string, ...args: string[]) => run(`src/commands/${name}.ts`, args, env)
  const start = () => startGateway(env)
  return { dataDir, backup: join(folder, 'backup'), image, command, start }
}

async function register(gateway: Gateway, path: string): Promise<string> {
  const { data } = await postGraphql(
    gateway.endpoint,
    `mutation ($path: String!) { registerDisk(input: { path: $path, name: "one", kind: DATA }) {
      ... on RegisterDiskPayload { disk { id } } } }`,
    { path },
  )
  return data.registerDisk.disk.id as string
}

async function take(gateway: Gateway, diskId: string, name: string): Promise<string> {
  const id = await gateway.snapshot({ id: diskId }, { name })
  const status = 'subscription ($id: ID!) { snapshotStatus(id: $id) { to } }'
  for await (const { errors } of streamEvents(gateway.endpoint, status, { id }))
    if (errors) throw new Error(JSON.stringify(errors))
  return id
}

const listed = async (gateway: Gateway) => {
  const { data } = await postGraphql(
    gateway.endpoint,
    '{ snapshots(orderBy: { field: CREATED_AT, direction: ASC }) { nodes { id status failureReason transitions { to } } } }',
  )
  return data.snapshots.nodes as {
    id: string
    status: string
    failureReason: string | null
    transitions: object[]
  }[]
}

test('a backup of a running gateway is restored with its copies; what came later is listed, and removed only when asked to', async () => {
  const { dataDir, backup, image, command, start } = await startWorld()
  let gateway = await start()
  const disk = await register(gateway, image)
  const [one, two] = [await take(gateway, disk, 'one'), await take(gateway, disk, 'two')]

  expect(await command('backup', 'to', backup)).toMatchObject({ exitCode: 0, stderr: '' })
  expect(await command('backup', 'to', backup)).toMatchObject({ exitCode: 1 })
  const modes = await Promise.all(
    ['', 'snapgate.db', 'backup.json', 'snapshots', join('snapshots', one)].map(
      async (name) => (await stat(join(backup, name))).mode & 0o077,
    ),
  )
  expect(modes).toEqual([0, 0, 0, 0, 0])

  const later = await take(gateway, disk, 'later')
  const refused = await command('restore', 'from', backup)
  expect(refused).toMatchObject({
    exitCode: 1,
    stderr: expect.stringContaining('A gateway or a command uses'),
  })
  expect(await listed(gateway)).toHaveLength(3)
  await gateway.stop()
  await chmod(join(dataDir, 'snapshots', one), 0o700)
  await rm(join(dataDir, 'snapshots', one), { recursive: true })

  expect(await command('restore', 'from', backup)).toMatchObject({ exitCode: 0, stderr: '' })

  gateway = await start()
  expect(await listed(gateway)).toMatchObject([
    { id: one, status: 'COMPLETED' },
    { id: two, status: 'COMPLETED' },
  ])
  expect((await readdir(join(dataDir, 'snapshots'))).sort()).toEqual(['.partial', later, one, two].sort())
  expect((await readFile(join(dataDir, 'snapshots', one, 'image'))).equals(await readFile(image))).toBe(true)
  expect(await command('copies', 'list')).toMatchObject({ exitCode: 0, stdout: `${later}\n` })
  expect(await command('copies', 'remove', one)).toMatchObject({ exitCode: 1 })
  expect(await command('copies', 'remove', later)).toMatchObject({ exitCode: 0 })
  expect(await command('copies', 'list')).toMatchObject({ exitCode: 0, stdout: '' })
  await gateway.stop()
})

test('snapshots without a sound copy in a backup are named, and are UNAVAILABLE once it is restored', async () => {
  const { dataDir, backup, image, command, start } = await startWorld()
  let gateway = await start()
  const disk = await register(gateway, image)
  const [damaged, sound] = [await take(gateway, disk, 'damaged'), await take(gateway, disk, 'sound')]
  {
    await using file = await open(join(dataDir, 'snapshots', damaged, 'image'), 'r+')
    await file.write('changed', 0)
  }
  const made = await command('backup', 'to', backup)
  expect(made.exitCode).toBe(1)
  expect(made.stderr).toContain(damaged)
  await gateway.stop()
  await rm(join(dataDir, 'snapshots'), { recursive: true })

  const restored = await command('restore', 'from', backup)
  expect(restored).toMatchObject({
    exitCode: 0,
    stderr: expect.stringContaining(`${damaged} is UNAVAILABLE`),
  })

  gateway = await start()
  expect(await listed(gateway)).toEqual([
    {
      id: damaged,
      status: 'UNAVAILABLE',
      failureReason: 'The stored copy is missing.',
      transitions: [{ to: 'CREATING' }, { to: 'COMPLETED' }, { to: 'UNAVAILABLE' }],
    },
    expect.objectContaining({ id: sound, status: 'COMPLETED' }),
  ])
  await gateway.stop()
})

test('what is no complete backup, or is damaged, is not restored, and changes nothing', async () => {
  const { dataDir, backup, image, command, start } = await startWorld()
  const gateway = await start()
  const disk = await register(gateway, image)
  await take(gateway, disk, 'one')
  await command('backup', 'to', backup)
  await gateway.stop()
  const before = await readFile(join(dataDir, 'snapgate.db'))

  const cut = `${backup}-cut`
  await cp(backup, cut, { recursive: true })
  await rm(join(cut, 'backup.json'))
  expect(await command('restore', 'from', cut)).toMatchObject({
    exitCode: 1,
    stderr: expect.stringContaining('is no complete backup'),
  })
  {
    await using file = await open(join(backup, 'snapgate.db'), 'r+')
    await file.write(Buffer.alloc(4096, 7), 0, 4096, 3 * 4096)
  }
  expect(await command('restore', 'from', backup)).toMatchObject({
    exitCode: 1,
    stderr: expect.stringContaining('cannot be used'),
  })
  expect((await readFile(join(dataDir, 'snapgate.db'))).equals(before)).toBe(true)
})

test('a database that is missing, or empty beside the log of another, is restored, and what was there is kept', async () => {
  const { dataDir, backup, image, command, start } = await startWorld()
  const gateway = await start()
  const id = await take(gateway, await register(gateway, image), 'kept')
  expect((await command('backup', 'to', backup)).exitCode).toBe(0)
  await gateway.stop()
  const database = join(dataDir, 'snapgate.db')

  for (const file of await readdir(dataDir)) {
    if (file.startsWith('snapgate.db')) await rm(join(dataDir, file))
  }
  expect((await command('restore', 'from', backup)).exitCode).toBe(0)
  await writeFile(database, '')
  await writeFile(`${database}-wal`, Buffer.alloc(40_000, 1))
  expect((await command('restore', 'from', backup)).exitCode).toBe(0)

  expect((await readdir(dataDir)).filter((file) => file.includes('before')).sort()).toEqual([
    expect.stringMatching(/^snapgate\.db\.before-[^w]+$/),
    expect.stringMatching(/-wal$/),
  ])
  const restored = await start()
  expect((await listed(restored)).map((snapshot) => snapshot.id)).toEqual([id])
  await restored.stop()
})
