import { mkdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { startTestApp, writeImage } from '../support/app.ts'
import { CAN_MOUNT, mountTmpfs } from '../support/mounts.ts'
import { EVERY_NIGHT, policyOf, runsOf } from '../support/policies.ts'
import { temporary } from '../support/real-disk.ts'

const MIB = 1024 ** 2
const CREATE = `mutation ($diskId: ID!) { createSnapshot(input: { diskId: $diskId, name: "a" }) {
  ... on CreateSnapshotPayload { snapshot { id status } }
  ... on StorageSpaceLow { code message freeMiB minFreeMiB } } }`
const CREATE_MANY = `mutation ($diskIds: [ID!]!) { createSnapshots(input: { diskIds: $diskIds, name: "a" }) {
  ... on CreateSnapshotsPayload { items { refusal { code } } } } }`

const freeMiB = (path: string) => {
  const { bavail, bsize } = statfsSync(path)
  return Math.floor((bavail * bsize) / MIB)
}

/** Fills a file system with a file until this much is free. */
function fill(path: string, leaveMiB: number): { empty: () => void } {
  const filler = join(path, 'filler')
  writeFileSync(filler, Buffer.alloc((freeMiB(path) - leaveMiB) * MIB))
  return { empty: () => rmSync(filler) }
}

test.skipIf(!CAN_MOUNT)(
  'with less free space than MIN_FREE_BYTES new snapshots are refused with the figures, everything else goes on, and readiness names it',
  async () => {
    using storage = mountTmpfs('64m')
    const DATABASE_URL = `file:${join(storage.path, 'snapgate.db')}`
    await using app = await startTestApp({ DATABASE_URL, MIN_FREE_BYTES: String(16 * MIB) })
    const disk = await app.disk()
    const probe = async () => {
      const response = await fetch(`${app.url}/readyz/space`)
      return [response.status, await response.text()]
    }
    expect(await probe()).toEqual([200, 'ok\n'])

    const filler = fill(storage.path, 15)
    const free = freeMiB(storage.path)
    const message = `New snapshots require 16 MiB of free storage; ${free} MiB are free. Delete snapshots, or add storage.`
    expect(free).toBeLessThan(16)
    expect((await app.graphql(CREATE, { diskId: disk.id })).data.createSnapshot).toEqual({
      code: 'STORAGE_SPACE_LOW',
      message,
      freeMiB: free,
      minFreeMiB: 16,
    })
    expect((await app.graphql(CREATE_MANY, { diskIds: [disk.id] })).data.createSnapshots).toEqual({
      items: [{ refusal: { code: 'STORAGE_SPACE_LOW' } }],
    })
    expect(await probe()).toEqual([503, `${message}\n`])
    // The refusal changes nothing, and the database still has room.
    const renamed = await app.graphql(
      'mutation ($id: ID!) { updateDisk(input: { diskId: $id, name: "b" }) { ... on UpdateDiskPayload { disk { name status } } } }',
      { id: disk.id },
    )
    expect(renamed.data.updateDisk.disk).toEqual({ name: 'b', status: 'UNMOUNTED' })

    filler.empty()
    expect(await probe()).toEqual([200, 'ok\n'])
    expect((await app.graphql(CREATE, { diskId: disk.id })).data.createSnapshot).toMatchObject({
      snapshot: { status: 'CREATING' },
    })
  },
)

test('with less free space than MIN_FREE_BYTES a run of a policy skips its disks, with the reason, and the next run creates', async () => {
  const clock = { now: new Date('2026-05-01T00:00:00Z') }
  // More than any storage has.
  await using folder = await temporary()
  const environment = { DATA_DIR: folder.path, MIN_FREE_BYTES: String(16 * 1024 ** 4) }
  {
    await using app = await startTestApp(environment, { now: () => clock.now })
    await policyOf(app, EVERY_NIGHT, await app.disk(), await app.disk())
    clock.now = new Date('2026-05-01T02:00:00Z')
    await app.scheduler.tick()
    const skipped = 'SKIPPED STORAGE_SPACE_LOW'
    expect(await runsOf(app)).toEqual([`2026-05-01T02:00[UTC] | RUN | ${skipped} | ${skipped}`])
    const { refusalMessage } = await app.db.autoSnapshotRunDisk.findFirstOrThrow()
    expect(refusalMessage).toMatch(/^New snapshots require 16777216 MiB of free storage; \d+ MiB are free\./)
    expect(await app.db.snapshot.count()).toBe(0)
  }
  await using app = await startTestApp(
    { DATA_DIR: folder.path, MIN_FREE_BYTES: '0' },
    { now: () => clock.now },
  )
  clock.now = new Date('2026-05-02T02:00:00Z')
  await app.scheduler.tick()
  expect((await runsOf(app)).at(-1)).toBe('2026-05-02T02:00[UTC] | RUN | CREATED | CREATED')
})

test.skipIf(!CAN_MOUNT)(
  'a copy that would leave less than MIN_FREE_BYTES free fails with the figures, and the rest stays free',
  async () => {
    using storage = mountTmpfs('64m')
    await using elsewhere = await temporary()
    const images = join(elsewhere.path, 'images')
    mkdirSync(images)
    await writeImage(join(images, 'large.img'), 60, 60)
    await using app = await startTestApp({
      DATA_DIR: storage.path,
      DISK_DIRS: images,
      MIN_FREE_BYTES: String(24 * MIB),
    })
    const disk = await app.disks.register(
      { accountId: app.viewer.accountId },
      {
        path: join(images, 'large.img'),
        name: 'large',
        kind: 'DATA',
        attachment: null,
        description: '',
        storageType: 'local',
        zone: 'local',
      },
    )
    const id = await app.snapshot(disk)
    let least = Infinity
    const watching = setInterval(() => (least = Math.min(least, freeMiB(storage.path))), 1)
    await app.runner.tick()
    clearInterval(watching)

    expect(least).toBeGreaterThanOrEqual(23)
    expect(await app.db.snapshot.findUnique({ where: { id } })).toMatchObject({
      status: 'FAILED',
      failureReason: expect.stringMatching(
        /^There is not enough space for the snapshot: it needs up to 60\.0 MiB, and [\d.]+ MiB are free, of which 24\.0 MiB stay reserved\. Free space/,
      ),
    })
  },
)
