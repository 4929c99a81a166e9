import { execFileSync } from 'node:child_process'
import { access, chmod, open, readdir, readFile, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { DISK_KINDS, DISK_STATUSES } from '../../src/domain/disk.ts'
import { startTestApp, type TestApp } from '../support/app.ts'
import { completed, mutate, recorded, stepsOf } from '../support/snapshots.ts'

const MIB = 1024 ** 2
const GIB = 1024 ** 3

const SHOWN =
  'id status statusReason sizeGiB kind attachment { instanceId device } operation { kind } tags { key value }'

async function diskNow(app: TestApp, id: string): Promise<any> {
  return (await app.graphql(`query ($id: ID!) { disk(id: $id) { ${SHOWN} } }`, { id })).data.disk
}

/** Runs the mutation and what it asks for, and gives the disk that it answered. */
async function carry(app: TestApp, name: string, input: object): Promise<any> {
  const answer = await mutate(app, name, input, `disk { ${SHOWN} }`)
  await app.runner.tick()
  return answer.disk ?? answer
}

const exists = (path: string) =>
  access(path).then(
    () => true,
    () => false,
  )

async function write(path: string, position: number, bytes: string): Promise<void> {
  await using file = await open(path, 'r+')
  await file.write(bytes, position)
}

test.each(DISK_KINDS)(
  'a %s disk says beforehand, in every status, what the mutations then answer',
  async (kind) => {
    await using app = await startTestApp()
    const facts =
      '{ allowed refusals { code ... on DiskStatusForbidsOperation { diskOperation: operation diskStatus: actual } } }'
    for (const status of DISK_STATUSES.filter((one) => one !== 'DELETED')) {
      const disk = await app.disk({ kind, status, ...(status === 'IN_USE' && { attachedTo: 'i-1' }) })
      if (status === 'ERROR') await rm(disk.path)
      const snapshotId = `s-${disk.id.slice(2)}`
      await recorded(app, disk, { id: snapshotId, status: 'COMPLETED', checksum: 'sha256-64k:0' })
      await app.looks.lookAt(app.viewer, disk.id)
      const { data } = await app.graphql(
        `query ($id: ID!) { disk(id: $id) { status
          updateDisk: updateEligibility ${facts} attachDisk: attachEligibility ${facts}
          detachDisk: detachEligibility ${facts} resizeDisk: resizeEligibility ${facts}
          rollBackDisk: rollBackEligibility ${facts} releaseDisk: releaseEligibility ${facts} } }`,
        { id: disk.id },
      )
      const inputs = {
        updateDisk: { name: 'renamed' },
        attachDisk: { instanceId: 'i-2' },
        detachDisk: {},
        resizeDisk: { sizeGiB: 6 },
        rollBackDisk: { snapshotId },
        releaseDisk: {},
      }
      for (const [name, input] of Object.entries(inputs)) {
        const { __typename, ...refusal } = await mutate(
          app,
          name,
          { diskId: disk.id, ...input },
          '__typename',
        )
        const accepted = (__typename as string).endsWith('Payload')
        expect([status, name, data.disk[name]]).toEqual([
          status,
          name,
          { allowed: accepted, refusals: accepted ? [] : [refusal] },
        ])
        // As it was, for the next one.
        await app.db.job.deleteMany()
        await app.db.disk.update({ where: { id: disk.id }, data: { status: data.disk.status } })
      }
    }
  },
)

describe('attachDisk and detachDisk', () => {
  test('lead through ATTACHING to IN_USE, and through DETACHING back', async () => {
    await using app = await startTestApp()
    const { id } = await app.disk()

    expect(
      await carry(app, 'attachDisk', { diskId: id, instanceId: 'i-1', device: '/dev/vdb' }),
    ).toMatchObject({
      status: 'ATTACHING',
      attachment: null,
      operation: { kind: 'ATTACH_DISK' },
    })
    const attachment = { instanceId: 'i-1', device: '/dev/vdb' }
    expect(await diskNow(app, id)).toMatchObject({ status: 'IN_USE', attachment, operation: null })
    await app.looks.lookAtAll()
    expect(await diskNow(app, id)).toMatchObject({ status: 'IN_USE', attachment })

    expect(await carry(app, 'detachDisk', { diskId: id })).toMatchObject({ status: 'DETACHING', attachment })
    expect(await diskNow(app, id)).toMatchObject({ status: 'UNMOUNTED', attachment: null })
    expect(await stepsOf(app, id)).toEqual([
      [null, 'UNMOUNTED'],
      ['UNMOUNTED', 'ATTACHING'],
      ['ATTACHING', 'IN_USE'],
      ['IN_USE', 'DETACHING'],
      ['DETACHING', 'UNMOUNTED'],
    ])
  })

  test('of an image that has gone meanwhile leaves the disk in ERROR, unattached, and says why', async () => {
    await using app = await startTestApp()
    const disk = await app.disk()
    await mutate(app, 'attachDisk', { diskId: disk.id, instanceId: 'i-1' }, '__typename')
    await rm(disk.path)
    await app.runner.tick()
    expect(await diskNow(app, disk.id)).toMatchObject({ status: 'ERROR', attachment: null })
    expect((await stepsOf(app, disk.id)).at(-1)).toEqual([
      'ATTACHING',
      'ERROR',
      'The image file is missing. Put it right, then attach the disk again.',
    ])
  })

  test('one of many that ask at once is accepted', async () => {
    await using app = await startTestApp()
    const { id } = await app.disk()
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, i) =>
        mutate(app, 'attachDisk', { diskId: id, instanceId: `i-${i}` }, '__typename'),
      ),
    )
    expect(answers.filter(({ __typename }) => __typename === 'AttachDiskPayload')).toHaveLength(1)
    expect(answers.filter(({ diskStatus }) => diskStatus === 'ATTACHING')).toHaveLength(19)
  })
})

describe('resizeDisk', () => {
  test('makes the image larger through SCALING, with zeros behind what was there', async () => {
    await using app = await startTestApp()
    const disk = await app.disk()
    expect(await carry(app, 'resizeDisk', { diskId: disk.id, sizeGiB: 6 })).toMatchObject({
      status: 'SCALING',
      sizeGiB: 4 / 1024,
    })
    expect(await diskNow(app, disk.id)).toMatchObject({ status: 'UNMOUNTED', sizeGiB: 6 })
    const { size, blocks } = await stat(disk.path)
    expect(size).toBe(6 * GIB)
    expect(blocks * 512).toBeLessThan(8 * MIB)
    expect((await stepsOf(app, disk.id)).slice(1)).toEqual([
      ['UNMOUNTED', 'SCALING'],
      ['SCALING', 'UNMOUNTED'],
    ])
    for (const sizeGiB of [5, 6, 32_766]) {
      expect(await mutate(app, 'resizeDisk', { diskId: disk.id, sizeGiB }, '__typename')).toEqual({
        __typename: 'DiskSizeRefused',
        code: 'DISK_SIZE_REFUSED',
        sizeGiB,
        minGiB: 7,
        maxGiB: 32_765,
      })
    }
  })

  test('never makes it smaller, though it has grown since it was asked for', async () => {
    await using app = await startTestApp()
    const disk = await app.disk()
    await mutate(app, 'resizeDisk', { diskId: disk.id, sizeGiB: 5 }, '__typename')
    await using file = await open(disk.path, 'r+')
    await file.truncate(7 * GIB)
    await app.runner.tick()
    expect(await diskNow(app, disk.id)).toMatchObject({ status: 'UNMOUNTED', sizeGiB: 7 })
  })
})

describe('rollBackDisk', () => {
  test('gives the disk the content of the snapshot, keeps owner, rights and a larger size, and leaves nothing beside it', async () => {
    await using app = await startTestApp()
    const disk = await app.disk()
    const before = await readFile(disk.path)
    const snapshotId = await completed(app, disk)
    await write(disk.path, 100, 'written since')
    await chmod(disk.path, 0o640)
    await using grown = await open(disk.path, 'r+')
    await grown.truncate(8 * MIB)
    await app.looks.lookAtAll()

    expect(await carry(app, 'rollBackDisk', { diskId: disk.id, snapshotId })).toMatchObject({
      status: 'ROLLING_BACK',
      operation: { kind: 'ROLL_BACK_DISK' },
    })
    const after = await readFile(disk.path)
    expect(after.subarray(0, 4 * MIB).equals(before)).toBe(true)
    expect(after.subarray(4 * MIB)).toEqual(Buffer.alloc(4 * MIB))
    expect((await stat(disk.path)).mode & 0o777).toBe(0o640)
    expect(await diskNow(app, disk.id)).toMatchObject({ status: 'UNMOUNTED', sizeGiB: 8 / 1024 })
    expect((await stepsOf(app, disk.id)).slice(-2)).toEqual([
      ['UNMOUNTED', 'ROLLING_BACK'],
      ['ROLLING_BACK', 'UNMOUNTED'],
    ])
    expect(await readdir(dirname(disk.path))).toEqual(['disk-1.img'])
    expect(await readdir(join(app.config.snapshotsDir, '.partial'))).toEqual([])
  })

  test('to a damaged snapshot leaves the disk as it was, says why, and makes the snapshot UNAVAILABLE', async () => {
    await using app = await startTestApp()
    const disk = await app.disk()
    const snapshotId = await completed(app, disk)
    await write(join(app.config.snapshotsDir, snapshotId, 'image'), 5_000, 'damaged')
    await write(disk.path, 100, 'written since')
    const before = await readFile(disk.path)

    await carry(app, 'rollBackDisk', { diskId: disk.id, snapshotId })

    const reason = 'The stored copy is corrupt: checksum mismatch.'
    expect((await readFile(disk.path)).equals(before)).toBe(true)
    expect((await stepsOf(app, disk.id)).at(-1)).toEqual(['ROLLING_BACK', 'UNMOUNTED', reason])
    expect((await stepsOf(app, snapshotId)).at(-1)).toEqual(['COMPLETED', 'UNAVAILABLE', reason])
    expect(await readdir(dirname(disk.path))).toEqual(['disk-1.img'])
  })

  test('refuses the snapshot of another disk, of no disk, and one that is not there', async () => {
    await using app = await startTestApp()
    const [disk, other] = [await app.disk(), await app.disk()]
    const snapshotId = await completed(app, other)
    const rollBack = async (input: object) =>
      (await mutate(app, 'rollBackDisk', { diskId: disk.id, snapshotId, ...input }, '__typename')).code
    expect(await rollBack({})).toBe('SNAPSHOT_OF_OTHER_DISK')
    expect(await rollBack({ snapshotId: 's-nothere0' })).toBe('SNAPSHOT_NOT_FOUND')
    expect(await rollBack({ diskId: 'v-nothere0' })).toBe('DISK_NOT_FOUND')
    await carry(app, 'releaseDisk', { diskId: other.id })
    expect(await rollBack({})).toBe('SNAPSHOT_OF_OTHER_DISK')
  })

  test('keeps the snapshot from being deleted, and the disk from everything else, until it has ended', async () => {
    await using app = await startTestApp()
    const disk = await app.disk()
    const snapshotId = await completed(app, disk)
    await mutate(app, 'rollBackDisk', { diskId: disk.id, snapshotId }, '__typename')
    expect(await mutate(app, 'deleteSnapshot', { snapshotId }, '__typename')).toMatchObject({
      code: 'SNAPSHOT_IN_USE',
    })
    const create = { diskId: disk.id, name: 'meanwhile' }
    expect((await mutate(app, 'createSnapshot', create, '__typename')).code).toBe(
      'DISK_STATUS_FORBIDS_SNAPSHOT',
    )
    await app.runner.tick()
    expect(await mutate(app, 'deleteSnapshot', { snapshotId }, '__typename')).toEqual({
      __typename: 'DeleteSnapshotPayload',
    })
  })
})

describe('createDisk', () => {
  const blank = { name: 'new', sizeGiB: 5 }

  test('makes an empty, sparse disk, through CREATING', async () => {
    await using app = await startTestApp()
    const tags = [{ key: 'env', value: 'test' }]
    const disk = await carry(app, 'createDisk', { ...blank, tags, storageType: 'ssd' })
    expect(disk).toMatchObject({
      status: 'CREATING',
      sizeGiB: 5,
      kind: 'DATA',
      operation: { kind: 'CREATE_DISK' },
    })
    expect(await diskNow(app, disk.id)).toEqual({ ...disk, status: 'UNMOUNTED', operation: null })
    const image = join(app.dataDir, 'disks', `${disk.id}.img`)
    const { size, blocks } = await stat(image)
    expect([size, blocks]).toEqual([5 * GIB, 0])
    expect(await stepsOf(app, disk.id)).toEqual([
      [null, 'CREATING'],
      ['CREATING', 'UNMOUNTED'],
    ])
    await app.looks.lookAtAll()
    expect(await diskNow(app, disk.id)).toMatchObject({ status: 'UNMOUNTED' })
  })

  test('makes a system disk, which is then NORMAL', async () => {
    await using app = await startTestApp()
    const { id } = await carry(app, 'createDisk', { ...blank, kind: 'SYSTEM' })
    expect(await diskNow(app, id)).toMatchObject({ status: 'NORMAL', kind: 'SYSTEM' })
  })

  test('makes a disk from a snapshot, of its size or a larger one, also when its disk is gone', async () => {
    await using app = await startTestApp()
    const source = await app.disk()
    const before = await readFile(source.path)
    const snapshotId = await completed(app, source)
    await carry(app, 'releaseDisk', { diskId: source.id })

    const same = await carry(app, 'createDisk', { name: 'same', snapshotId })
    const larger = await carry(app, 'createDisk', { name: 'larger', snapshotId, sizeGiB: 5 })

    expect(same).toMatchObject({ status: 'CREATING', sizeGiB: 4 / 1024 })
    expect((await readFile(join(app.dataDir, 'disks', `${same.id}.img`))).equals(before)).toBe(true)
    expect(await diskNow(app, larger.id)).toMatchObject({ status: 'UNMOUNTED', sizeGiB: 5 })
    await using file = await open(join(app.dataDir, 'disks', `${larger.id}.img`))
    const start = Buffer.alloc(4 * MIB)
    await file.read(start, 0, 4 * MIB, 0)
    expect(start.equals(before)).toBe(true)
    expect(await mutate(app, 'deleteSnapshot', { snapshotId }, '__typename')).toEqual({
      __typename: 'DeleteSnapshotPayload',
    })
  })

  test.each([
    [{ name: 'a' }, 'Set sizeGiB'],
    [{ name: 'a', snapshotId: 's-aaaaaaaa', kind: 'SYSTEM' }, 'is always a DATA disk'],
  ])('the input %j is malformed', async (input, message) => {
    await using app = await startTestApp()
    await expect(mutate(app, 'createDisk', input, '__typename')).rejects.toThrow(message)
  })

  test('of 40 that ask at once for a disk from a snapshot, exactly 5 are accepted, empty ones aside', async () => {
    await using app = await startTestApp()
    const snapshotId = await completed(app, await app.disk())
    await Promise.all(Array.from({ length: 3 }, () => mutate(app, 'createDisk', blank, '__typename')))
    const create = () => mutate(app, 'createDisk', { name: 'copy', snapshotId }, '__typename')
    const answers = await Promise.all(Array.from({ length: 40 }, create))
    const refused = {
      __typename: 'DiskCreationLimitExceeded',
      code: 'DISK_CREATION_LIMIT_EXCEEDED',
      limit: 5,
    }
    expect(answers.filter(({ __typename }) => __typename === 'CreateDiskPayload')).toHaveLength(5)
    expect(answers.filter(({ code }) => code !== undefined)).toEqual(Array(35).fill(refused))
    const eligibility = async () =>
      (
        await app.graphql(
          `query ($id: ID!) { snapshot(id: $id) { createDiskEligibility { refusals { code } } } }`,
          {
            id: snapshotId,
          },
        )
      ).data.snapshot.createDiskEligibility.refusals
    expect(await eligibility()).toEqual([{ code: 'DISK_CREATION_LIMIT_EXCEEDED' }])
    await app.runner.tick()
    expect(await eligibility()).toEqual([])
    expect(await create()).toEqual({ __typename: 'CreateDiskPayload' })
  })

  test('with a client token is one disk however often it is asked for', async () => {
    await using app = await startTestApp()
    const input = { ...blank, clientToken: 't' }
    const ids = await Promise.all(
      Array.from(
        { length: 20 },
        async () => (await mutate(app, 'createDisk', input, 'disk { id }')).disk.id as string,
      ),
    )
    expect(new Set(ids).size).toBe(1)
    expect((await mutate(app, 'createDisk', { ...input, sizeGiB: 6 }, '__typename')).code).toBe(
      'CLIENT_TOKEN_REUSED',
    )
    const disk = await app.disk()
    const other = { diskId: disk.id, name: 'new', clientToken: 't' }
    expect((await mutate(app, 'createSnapshot', other, '__typename')).code).toBe('CLIENT_TOKEN_REUSED')
    expect(await app.db.job.count()).toBe(1)
  })

  test('repeated with its client token after the disk was released is told so, and creates none', async () => {
    await using app = await startTestApp()
    const input = { ...blank, clientToken: 't' }
    const { id } = await carry(app, 'createDisk', input)
    await carry(app, 'releaseDisk', { diskId: id })
    const document = `mutation ($input: CreateDiskInput!) {
      createDisk(input: $input) { ... on ClientTokenReused { createdId message } }
    }`
    expect((await app.graphql(document, { input })).data.createDisk).toEqual({
      createdId: id,
      message: `This call already created ${id}, which has been deleted. Use a new token to create another one.`,
    })
    expect(await app.db.disk.count()).toBe(0)
  })

  test('from a damaged snapshot ends in ERROR with the reason and no image, and can be released', async () => {
    await using app = await startTestApp()
    const snapshotId = await completed(app, await app.disk())
    await write(join(app.config.snapshotsDir, snapshotId, 'image'), 5_000, 'damaged')
    const { id } = await carry(app, 'createDisk', { name: 'copy', snapshotId })

    const statusReason = 'The stored copy is corrupt: checksum mismatch.'
    await app.looks.lookAtAll()
    expect(await diskNow(app, id)).toMatchObject({ status: 'ERROR', statusReason })
    expect(await readdir(join(app.dataDir, 'disks'))).toEqual(['disk-1.img'])
    expect((await stepsOf(app, snapshotId)).at(-1)).toEqual(['COMPLETED', 'UNAVAILABLE', statusReason])
    await carry(app, 'releaseDisk', { diskId: id })
    expect(await diskNow(app, id)).toBeNull()
  })

  const canMount = (() => {
    try {
      execFileSync('sh', ['-ec', 'd=$(mktemp -d); mount -t tmpfs tmpfs $d; umount $d; rmdir $d'], {
        stdio: 'ignore',
      })
      return true
    } catch {
      return false
    }
  })()

  test.skipIf(!canMount)('without room ends in ERROR with the figures, and leaves nothing', async () => {
    await using app = await startTestApp()
    const snapshotId = await completed(app, await app.disk())
    const disks = join(app.dataDir, 'disks')
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=512k', 'tmpfs', disks])
    try {
      const { id } = await carry(app, 'createDisk', { name: 'copy', snapshotId })
      expect(await diskNow(app, id)).toMatchObject({
        status: 'ERROR',
        statusReason: expect.stringMatching(
          /^There is not enough space for the disk: it needs up to 1\.0 MiB, and \d+ KiB are free\. Free space where disks are kept/,
        ),
      })
      expect(await readdir(disks)).toEqual([])
      expect(await app.db.job.count()).toBe(0)
    } finally {
      execFileSync('umount', ['-l', disks])
    }
  })
})

describe('releaseDisk', () => {
  test('of a registered disk leaves its image, keeps its snapshots and cuts the link', async () => {
    await using app = await startTestApp()
    const disk = await app.disk()
    const id = await completed(app, disk)
    expect(await carry(app, 'releaseDisk', { diskId: disk.id })).toMatchObject({ status: 'DELETING' })

    expect(await diskNow(app, disk.id)).toBeNull()
    expect(await exists(disk.path)).toBe(true)
    expect((await stepsOf(app, disk.id)).slice(-2)).toEqual([
      ['UNMOUNTED', 'DELETING'],
      ['DELETING', 'DELETED'],
    ])
    const query = `query ($id: ID!) { snapshot(id: $id) { status disk { id } rollBackEligibility { allowed } transitions { diskId } } }`
    expect((await app.graphql(query, { id })).data.snapshot).toEqual({
      status: 'COMPLETED',
      disk: null,
      rollBackEligibility: null,
      transitions: [{ diskId: disk.id }, { diskId: disk.id }],
    })
    // Its transitions still name the disk.
    await mutate(app, 'deleteSnapshot', { snapshotId: id }, '__typename')
    await app.runner.tick()
    const rows = await app.db.snapshotTransition.findMany()
    expect(rows.map(({ to, diskId }) => [to, diskId])).toEqual(
      ['CREATING', 'COMPLETED', 'DELETING', 'DELETED'].map((to) => [to, disk.id]),
    )
  })

  test('of a disk that was created removes its image', async () => {
    await using app = await startTestApp()
    const { id } = await carry(app, 'createDisk', { name: 'new', sizeGiB: 5 })
    await carry(app, 'releaseDisk', { diskId: id })
    expect(await readdir(join(app.dataDir, 'disks'))).toEqual([])
    expect(await stepsOf(app, id)).toHaveLength(4)
  })

  test('unregisters a system disk that was registered, and removes one that was created', async () => {
    await using app = await startTestApp()
    const registered = await app.disk({ kind: 'SYSTEM' })
    const created = await carry(app, 'createDisk', { name: 'new', sizeGiB: 5, kind: 'SYSTEM' })
    for (const { id } of [registered, created]) {
      expect(await carry(app, 'releaseDisk', { diskId: id })).toMatchObject({ status: 'DELETING' })
      expect(await diskNow(app, id)).toBeNull()
    }
    expect(await readdir(join(app.dataDir, 'disks'))).toEqual(['disk-1.img'])
  })

  test('with its snapshots deletes those too, and says why', async () => {
    await using app = await startTestApp()
    const disk = await app.disk()
    const id = await completed(app, disk)
    await recorded(app, disk, { id: 's-failed000', status: 'FAILED' })
    await carry(app, 'releaseDisk', { diskId: disk.id, withSnapshots: true })
    expect(await app.db.snapshot.count()).toBe(0)
    const why = 'Its disk was released.'
    expect((await stepsOf(app, id)).slice(-2)).toEqual([
      ['COMPLETED', 'DELETING', why],
      ['DELETING', 'DELETED', why],
    ])
    expect(await exists(join(app.config.snapshotsDir, id))).toBe(false)
  })

  test('with its snapshots is refused as a whole while one of them is read', async () => {
    await using app = await startTestApp()
    const disk = await app.disk()
    const [first, second] = [await completed(app, disk), await completed(app, disk)]
    await mutate(app, 'verifySnapshot', { snapshotId: second }, '__typename')
    expect(await mutate(app, 'releaseDisk', { diskId: disk.id, withSnapshots: true }, '__typename')).toEqual({
      __typename: 'SnapshotInUse',
      code: 'SNAPSHOT_IN_USE',
      snapshotId: second,
    })
    expect(await diskNow(app, disk.id)).toMatchObject({ status: 'UNMOUNTED' })
    expect(await stepsOf(app, first)).toHaveLength(2)
  })

  test('with its snapshots deletes them in parts, keeps those that are protected by then, and waits while one is read', async () => {
    await using app = await startTestApp()
    const disk = await app.disk()
    const [read, kept] = [await completed(app, disk), await completed(app, disk)]
    await app.heldSnapshots(disk, 60)
    const released = await mutate(
      app,
      'releaseDisk',
      { diskId: disk.id, withSnapshots: true },
      'disk { status }',
    )
    expect(released.disk).toEqual({ status: 'DELETING' })
    const protect = { snapshotId: kept, deletionProtection: true }
    await mutate(app, 'updateSnapshot', protect, '__typename')
    await mutate(app, 'verifySnapshot', { snapshotId: read }, '__typename')
    const verification = { kind: 'VERIFY_SNAPSHOT' as const }
    const later = new Date(Date.now() + 60_000)
    await app.db.job.updateMany({ where: verification, data: { retryAt: later } })

    await app.runner.tick()
    const left = await app.db.snapshot.findMany({ orderBy: { createdAt: 'asc' } })
    expect(left.map(({ id, status }) => [id, status]).toSorted()).toEqual(
      [
        [read, 'COMPLETED'],
        [kept, 'COMPLETED'],
      ].toSorted(),
    )
    expect((await app.db.job.findFirst({ where: { kind: 'RELEASE_DISK' } }))?.stallReason).toMatch(
      /^Attempt \d to release the disk failed\. A snapshot of the disk is being read\. It is retried automatically\.$/,
    )

    await app.db.job.updateMany({ where: verification, data: { retryAt: null } })
    await app.runner.tick()
    await app.db.job.updateMany({ data: { retryAt: null } })
    await app.runner.tick()
    expect(await diskNow(app, disk.id)).toBeNull()
    expect((await app.db.snapshot.findMany()).map(({ id, diskId }) => [id, diskId])).toEqual([[kept, null]])
  })
})

describe('updateDisk', () => {
  test('changes what is given and leaves the rest', async () => {
    await using app = await startTestApp()
    const { id } = await app.disk()
    const shown = 'disk { name description tags { key value } }'
    const tags = [{ key: 'env', value: 'test' }]
    const first = await mutate(app, 'updateDisk', { diskId: id, description: 'mine', tags }, shown)
    expect(first.disk).toEqual({ name: 'disk-1', description: 'mine', tags })
    const second = await mutate(app, 'updateDisk', { diskId: id, name: 'renamed' }, shown)
    expect(second.disk).toEqual({ name: 'renamed', description: 'mine', tags })
    expect((await mutate(app, 'updateDisk', { diskId: id, name: '' }, shown)).code).toBe('INVALID_NAME')
    expect((await mutate(app, 'updateDisk', { diskId: 'v-nothere0' }, shown)).code).toBe('DISK_NOT_FOUND')
    expect(await stepsOf(app, id)).toHaveLength(1)
  })
})
