import { mkdtemp, open, readdir, rename, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { startTestApp, writeImage } from '../support/app.ts'

const disksOf = `{ disks(orderBy: { field: NAME, direction: ASC }) { nodes { name status statusReason } } }`

async function beginningOf(image: string): Promise<Buffer> {
  await using file = await open(image)
  return (await file.read(Buffer.alloc(4096), 0, 4096, 0)).buffer
}

test('a DATA_DIR that is moved as a whole keeps its disks and snapshots, those of the demo world included', async () => {
  const parent = await mkdtemp(join(tmpdir(), 'snapgate-moved-'))
  const [from, to] = [join(parent, 'from'), join(parent, 'to')]
  let before: unknown
  let diskId: string
  {
    await using app = await startTestApp({ DATA_DIR: from, DEMO: 'true' })
    await writeImage(join(from, 'disks', 'mine.img'), 4, 1)
    const labels = { description: '', storageType: 'local', zone: 'local', attachment: null }
    await app.disks.register(app.viewer, {
      ...labels,
      path: join(from, 'disks', 'mine.img'),
      name: 'mine',
      kind: 'DATA',
    })
    const input = {
      content: { kind: 'DATA' as const, sizeGiB: 5 },
      description: '',
      storageType: 'local',
      zone: 'local',
      tags: [],
      clientToken: null,
    }
    diskId = (await app.disks.create(app.viewer, { ...input, name: 'made' })).id
    await app.runner.tick()
    await app.looks.lookAtAll()
    before = (await app.graphql(disksOf)).data
    // As versions recorded them that knew no relative locations.
    await app.db
      .$executeRaw`UPDATE "Disk" SET "location" = ${from} || '/' || "location" WHERE "name" = 'orders-db'`
  }
  {
    await using app = await startTestApp({ DATA_DIR: from, DEMO: 'true' })
    expect((await app.graphql(disksOf)).data).toEqual(before)
  }
  await rename(from, to)

  await using app = await startTestApp({ DATA_DIR: to, DEMO: 'true' })
  await app.looks.lookAtAll()
  expect((await app.graphql(disksOf)).data).toEqual(before)
  expect(JSON.stringify(before)).toContain('"name":"orders-db","status":"IN_USE"')
  const stored = await app.db.snapshot.findFirstOrThrow({ where: { name: 'build-1' } })
  const image = join(to, 'disks', 'build-cache.img')
  const content = await beginningOf(image)
  await writeImage(image, 1, 1)
  await app.disks.rollBack(app.viewer, { diskId: 'v-buildcache', snapshotId: stored.id })
  await app.disks.release(app.viewer, { diskId, withSnapshots: false })
  await app.runner.tick()
  expect((await beginningOf(image)).equals(content)).toBe(true)
  expect((await readdir(join(to, 'disks'))).filter((name) => name.startsWith('v-'))).toEqual([])
  expect(await stat(from).catch(() => 'gone')).toBe('gone')
  await app[Symbol.asyncDispose]()
  await rm(parent, { recursive: true })
})
