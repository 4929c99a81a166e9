import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { openDatabase } from '../../src/database/database.ts'
import { writeImage } from '../support/app.ts'
import { postGraphql, streamEvents } from '../support/clients.ts'
import { startGateway } from '../support/process.ts'

const DEFAULT_LEASE_MS = 15_000

test('after a kill in the middle of a copy, the work is taken up again within the lease and 5 s, without help', async () => {
  const dataDir = await mkdtemp(join(tmpdir(), 'snapgate-'))
  await mkdir(join(dataDir, 'disks'))
  const path = join(dataDir, 'disks', 'd.img')
  await writeImage(path, 512, 512)
  const settings = { DATA_DIR: dataDir, DEMO: 'false' }
  const killed = await startGateway(settings)
  const { data: registered } = await postGraphql(
    killed.endpoint,
    `mutation ($path: String!) {
      registerDisk(input: { path: $path, name: "d", kind: DATA }) { ... on RegisterDiskPayload { disk { id } } }
    }`,
    { path },
  )
  const id = await killed.snapshot(registered.registerDisk.disk)
  const progress = 'subscription ($id: ID!) { snapshotProgress(id: $id) { copiedBytes } }'
  for await (const { data } of streamEvents(killed.endpoint, progress, { id })) {
    if (data.snapshotProgress.copiedBytes > 0) break
  }
  await killed.stop('SIGKILL')
  const killedAt = Date.now()

  const next = await startGateway(settings)
  await using db = await openDatabase({ url: `file:${join(dataDir, 'snapgate.db')}` })
  const attempts = async () => (await db.job.findFirstOrThrow({ where: { snapshotId: id } })).attempts
  await expect.poll(attempts, { timeout: 60_000 }).toBe(2)
  const takenUpAfterMs = Date.now() - killedAt
  console.log(`taken up ${takenUpAfterMs} ms after the kill`)
  expect(takenUpAfterMs).toBeLessThan(DEFAULT_LEASE_MS + 5_000)

  const status = 'subscription ($id: ID!) { snapshotStatus(id: $id) { to } }'
  const events = await Array.fromAsync(streamEvents(next.endpoint, status, { id }))
  expect(events.map(({ data }) => data.snapshotStatus.to)).toEqual(['CREATING', 'COMPLETED'])
  expect(await next.stop('SIGTERM')).toBe(0)
  await rm(dataDir, { recursive: true })
})
