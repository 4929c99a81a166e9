import { appendFile, mkdir, rename, rm, symlink, truncate, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { startTestApp, writeImage, type TestApp } from '../support/app.ts'
import { breakStorage, repairStorage } from '../support/broken-storage.ts'
import { run } from '../support/process.ts'

const REGISTER = `mutation ($input: RegisterDiskInput!) {
  registerDisk(input: $input) {
    __typename
    ... on RegisterDiskPayload { disk { name description kind status statusReason sizeBytes sizeGiB storageType zone attachment { instanceId device } } }
    ... on UserError { code message }
    ... on InvalidName { brokenRules }
    ... on DiskPathRefused { problem }
  }
}`

async function register(app: TestApp, path: string, more: object = {}): Promise<any> {
  const { data, errors } = await app.graphql(REGISTER, {
    input: { path, name: 'a-disk', kind: 'DATA', ...more },
  })
  return errors ?? data.registerDisk
}

const imageOf = (app: TestApp, name = 'a.img') => join(app.dataDir, 'disks', name)

async function diskNow(app: TestApp, id: string): Promise<any> {
  return (await app.graphql(`query ($id: ID!) { disk(id: $id) { status statusReason sizeGiB } }`, { id }))
    .data.disk
}

const MISSING = { status: 'ERROR', statusReason: 'The image file is missing.', sizeGiB: 4 / 1024 }
const WELL = { status: 'UNMOUNTED', statusReason: null, sizeGiB: 4 / 1024 }

test('registerDisk makes a disk of an image file, with the size of the file', async () => {
  await using app = await startTestApp()
  await writeImage(imageOf(app), 4, 1)

  const attachment = { instanceId: 'i-web00001', device: '/dev/vdb' }
  expect(await register(app, imageOf(app), { description: 'For photos.', attachment })).toEqual({
    __typename: 'RegisterDiskPayload',
    disk: {
      name: 'a-disk',
      description: 'For photos.',
      kind: 'DATA',
      status: 'IN_USE',
      statusReason: null,
      sizeBytes: 4 * 1024 ** 2,
      sizeGiB: 4 / 1024,
      storageType: 'local',
      zone: 'local',
      attachment,
    },
  })
})

test('a system disk that nobody uses is NORMAL', async () => {
  await using app = await startTestApp()
  await writeImage(imageOf(app), 1, 1)
  expect(await register(app, imageOf(app), { kind: 'SYSTEM' })).toMatchObject({
    disk: { kind: 'SYSTEM', status: 'NORMAL' },
  })
})

test('registerDisk refuses a name that breaks the rules, and says which', async () => {
  await using app = await startTestApp()
  await writeImage(imageOf(app), 1, 1)
  expect(await register(app, imageOf(app), { name: '1!' })).toEqual({
    __typename: 'InvalidName',
    code: 'INVALID_NAME',
    message: expect.any(String),
    brokenRules: ['FIRST_CHARACTER', 'CHARACTERS'],
  })
})

test('registerDisk refuses every path that does not lead to a disk in the directories for disks', async () => {
  await using app = await startTestApp()
  const outside = join(app.dataDir, 'outside.img')
  await writeImage(outside, 1, 1)
  await mkdir(imageOf(app, 'directory'))
  await writeFile(imageOf(app, 'empty'), '')
  await symlink(outside, imageOf(app, 'escape'))
  await symlink(app.dataDir, imageOf(app, 'escaping-directory'))

  const problems: Record<string, string> = {
    'a.img': 'NOT_ABSOLUTE',
    [outside]: 'OUTSIDE',
    [`${dirname(imageOf(app))}/../outside.img`]: 'OUTSIDE',
    [imageOf(app, 'escape')]: 'OUTSIDE',
    [imageOf(app, 'escaping-directory/outside.img')]: 'OUTSIDE',
    [imageOf(app, 'missing')]: 'MISSING',
    [imageOf(app, 'directory')]: 'NOT_A_DISK',
    [imageOf(app, 'empty')]: 'EMPTY',
  }
  for (const [path, problem] of Object.entries(problems)) {
    expect([path, await register(app, path)]).toEqual([
      path,
      { __typename: 'DiskPathRefused', code: 'DISK_PATH_REFUSED', message: expect.any(String), problem },
    ])
  }
  expect(await app.db.disk.count()).toBe(0)
})

test('registerDisk refuses an image that is a disk already, under whatever name and however many ask at once', async () => {
  await using app = await startTestApp()
  await writeImage(imageOf(app), 1, 1)
  await symlink(imageOf(app), imageOf(app, 'alias'))

  const answers = await Promise.all(
    Array.from({ length: 10 }, (_, i) => register(app, imageOf(app, i % 2 === 0 ? 'a.img' : 'alias'))),
  )

  const already = {
    __typename: 'DiskAlreadyRegistered',
    code: 'DISK_ALREADY_REGISTERED',
    message: 'The file at this path is already registered as a disk.',
  }
  expect(answers.filter(({ __typename }) => __typename !== 'RegisterDiskPayload')).toEqual(
    Array(9).fill(already),
  )
  expect(await app.db.disk.count()).toBe(1)
})

test('a disk whose image is missing is in ERROR and says so, and recovers when the image is back', async () => {
  await using app = await startTestApp()
  const disk = await app.disk()

  await rename(disk.path, `${disk.path}.away`)
  await app.looks.lookAtAll()
  expect(await diskNow(app, disk.id)).toEqual(MISSING)

  await rename(`${disk.path}.away`, disk.path)
  await app.looks.lookAtAll()
  expect(await diskNow(app, disk.id)).toEqual(WELL)
})

const CREATE = `mutation ($id: ID!) { createSnapshot(input: { diskId: $id, name: "now" }) {
  __typename ... on DiskStatusForbidsSnapshot { actual }
} }`

test('createSnapshot looks for itself: an image that has just gone is refused, one that has just come back is accepted', async () => {
  await using app = await startTestApp()
  const disk = await app.disk()
  const create = async () => (await app.graphql(CREATE, { id: disk.id })).data.createSnapshot

  await rename(disk.path, `${disk.path}.away`)
  expect(await create()).toEqual({ __typename: 'DiskStatusForbidsSnapshot', actual: 'ERROR' })
  expect(await diskNow(app, disk.id)).toEqual(MISSING)

  await rename(`${disk.path}.away`, disk.path)
  expect(await create()).toEqual({ __typename: 'CreateSnapshotPayload' })
})

test('600 looks at one disk at once are answered, and each sees what is there when it was asked for', async () => {
  await using app = await startTestApp()
  const disk = await app.disk()
  const before = Array.from({ length: 600 }, () => app.looks.lookAt(app.viewer, disk.id))
  await rm(disk.path)
  await app.looks.lookAt(app.viewer, disk.id)
  expect(await diskNow(app, disk.id)).toEqual(MISSING)
  await Promise.all(before)
})

test('an image that grows or shrinks changes the size of its disk', async () => {
  await using app = await startTestApp()
  const disk = await app.disk()
  await appendFile(disk.path, Buffer.alloc(4 * 1024 ** 2))
  await app.looks.lookAtAll()
  expect(await diskNow(app, disk.id)).toEqual({ ...WELL, sizeGiB: 8 / 1024 })
  await truncate(disk.path, 1024 ** 2)
  await app.looks.lookAtAll()
  expect(await diskNow(app, disk.id)).toEqual({ ...WELL, sizeGiB: 1 / 1024 })
})

test.each(['SNAPSHOTTING', 'SCALING', 'EXPIRED'] as const)(
  'looking at the disks does not disturb one that is %s',
  async (status) => {
    await using app = await startTestApp()
    const disk = await app.disk({ status })
    await rm(disk.path)
    await app.looks.lookAtAll()
    await app.looks.lookAt(app.viewer, disk.id)
    expect(await diskNow(app, disk.id)).toEqual({ ...WELL, status })
  },
)

test('a disk that is UNKNOWN is looked at anew', async () => {
  await using app = await startTestApp()
  const disk = await app.disk({ status: 'UNKNOWN' })
  await app.looks.lookAtAll()
  expect(await diskNow(app, disk.id)).toEqual(WELL)
})

test('a disk that cannot be looked at keeps no other from being looked at, and is well when it can be again', async () => {
  onTestFinished(repairStorage)
  await using app = await startTestApp({ INVENTORY_INTERVAL_MS: '100' }, { background: true })
  const [bad, good, other] = [await app.disk(), await app.disk(), await app.disk()]
  breakStorage(bad.path, ['lstat'], 'ESTALE')
  await Promise.all([rm(good.path), rm(bad.path)])
  await expect.poll(() => diskNow(app, good.id)).toEqual(MISSING)
  expect(await diskNow(app, bad.id)).toEqual(WELL)

  const create = (diskId: string) =>
    app.graphql(
      `mutation ($diskId: ID!) { createSnapshot(input: { diskId: $diskId, name: "a" }) { __typename } }`,
      { diskId },
    )
  const [refused, accepted] = await Promise.all([create(bad.id), create(other.id)])
  expect(refused.errors?.map(({ extensions }) => extensions.code)).toEqual(['SERVICE_UNAVAILABLE'])
  expect(accepted.data.createSnapshot.__typename).toBe('CreateSnapshotPayload')

  repairStorage()
  await expect.poll(() => diskNow(app, bad.id)).toEqual(MISSING)
})

test('a gateway that works in the background sees by itself what has become of its disks', async () => {
  await using app = await startTestApp({ INVENTORY_INTERVAL_MS: '100' }, { background: true })
  const disk = await app.disk()
  await rm(disk.path)
  await expect.poll(() => diskNow(app, disk.id)).toEqual(MISSING)
})

const COMMAND = 'src/commands/disk.ts'

test('the disk command registers and lists disks, and a running gateway shows them at once', async () => {
  await using app = await startTestApp()
  const env = { DATA_DIR: app.dataDir, DATABASE_URL: app.config.databaseUrl }
  await writeImage(imageOf(app), 4, 1)

  const added = await run(
    COMMAND,
    ['add', imageOf(app), '--name', 'photos', '--kind', 'data', '--instance', 'i-1'],
    env,
  )
  const { data } = await app.graphql(
    `{ disks { nodes { id name kind status attachment { instanceId device } } } }`,
  )
  const [{ id }] = data.disks.nodes

  expect(data.disks.nodes).toEqual([
    {
      id: expect.stringMatching(/^v-/),
      name: 'photos',
      kind: 'DATA',
      status: 'IN_USE',
      attachment: { instanceId: 'i-1', device: null },
    },
  ])
  expect(added).toEqual({
    exitCode: 0,
    stdout: `Registered photos as ${id as string}: DATA, IN_USE, 4194304 bytes.\n`,
    stderr: '',
  })
  expect(await run(COMMAND, ['list'], env)).toEqual({
    exitCode: 0,
    stdout: `${[id, 'DATA', 'IN_USE', 'photos', imageOf(app)].join('\t')}\n`,
    stderr: '',
  })
})

test('the disk command that is called wrongly exits with 2 and shows how it is used', async () => {
  await using app = await startTestApp()
  const calls: [string[], string][] = [
    [[], ''],
    [['remove'], ''],
    [['add'], ''],
    [['add', 'a.img', '--kind', 'data'], '--name is missing.\n\n'],
    [['add', 'a.img', '--name', 'a', '--kind', 'floppy'], '--kind must be data or system.\n\n'],
    [['add', 'a.img', '--colour', 'red'], "Unknown option '--colour'"],
  ]
  const exits = await Promise.all(calls.map(([args]) => run(COMMAND, args, { DATA_DIR: app.dataDir })))
  expect(exits).toEqual(
    calls.map(([, message]) => ({
      exitCode: 2,
      stdout: '',
      stderr: expect.stringMatching(new RegExp(`^${message}[^]*Usage:\n  npm run disk -- add`)),
    })),
  )
})

test('the disk command that is refused exits with 1 and says why in one line', async () => {
  await using app = await startTestApp()
  const disk = await app.disk()
  const add = (path: string, name: string) =>
    run(COMMAND, ['add', path, '--name', name, '--kind', 'data'], {
      DATA_DIR: app.dataDir,
      DATABASE_URL: app.config.databaseUrl,
    })

  expect(
    await Promise.all([add(imageOf(app, 'missing'), 'a'), add(disk.path, 'a'), add(disk.path, '')]),
  ).toEqual([
    { exitCode: 1, stdout: '', stderr: 'There is no file at this path.\n' },
    { exitCode: 1, stdout: '', stderr: 'The file at this path is already registered as a disk.\n' },
    { exitCode: 1, stdout: '', stderr: 'A name has at least 1 character.\n' },
  ])
})
