import { expect, test } from 'vitest'
import type { Cloud, CloudAnswer, CloudRequest } from '../../../src/providers/cloud/cloud.ts'
import { CloudFault, CursorRefused } from '../../../src/providers/cloud/faults.ts'
import { allRows } from '../../../src/providers/cloud/pages.ts'
import type { FakeCloud, FakeDisk } from '../../support/fake-cloud/engine.ts'

export interface Peer extends AsyncDisposable {
  cloud: FakeCloud
  client: Cloud
  /** A disk that is attached, and one that is not. */
  attached: FakeDisk
  detached: FakeDisk
}

const signal = new AbortController().signal

/** What each client of a cloud must do, whatever the cloud's manners. */
export function cloudContract(start: () => Promise<Peer>): void {
  test('every disk and snapshot is listed once, over all pages, in lists that are messy', async () => {
    await using peer = await start()
    const { cloud, client, detached } = peer
    cloud.pageSize = 2
    cloud.faults.messyLists = true
    const made = []
    for (const name of ['a', 'b', 'c', 'd', 'e']) made.push(await created(client, create(detached, name)))
    expect(
      new Set(
        (await allRows((cursor) => client.listSnapshots(cursor, signal))).map(({ externalId }) => externalId),
      ),
    ).toEqual(new Set(made))
    expect(
      new Set(
        (await allRows((cursor) => client.listDisks(cursor, signal))).map(({ externalId }) => externalId),
      ),
    ).toEqual(new Set(cloud.disks.keys()))
  })

  test('a snapshot is created, seen while it is made, and completes', async () => {
    await using peer = await start()
    const { cloud, client, attached } = peer
    const id = await created(client, create(attached, 'before-upgrade'))
    expect(await client.readSnapshot(id, signal)).toMatchObject({
      externalId: id,
      diskExternalId: attached.id,
      name: 'before-upgrade',
      type: 'MANUAL',
      status: 'CREATING',
      sizeBytes: 20n * 2n ** 30n,
      createdAt: new Date('2026-11-26T00:00:00Z'),
      mark: 'mark-before-upgrade',
    })
    cloud.advance(cloud.copyMs)
    expect(await client.readSnapshot(id, signal)).toMatchObject({ status: 'COMPLETED', percent: 100 })
  })

  test('what is accepted can fail later, and a read shows it', async () => {
    await using peer = await start()
    const { cloud, client, detached } = peer
    cloud.faults.createsFailLater = true
    const id = await created(client, create(detached, 'doomed'))
    cloud.advance(cloud.copyMs)
    expect(await client.readSnapshot(id, signal)).toMatchObject({ status: 'FAILED' })
  })

  test('a full quota is a refusal with the facts of the cloud', async () => {
    await using peer = await start()
    const { cloud, client, detached } = peer
    cloud.snapshotLimit = 1
    await created(client, create(detached, 'first'))
    expect(await client.submit(create(detached, 'second'), signal)).toMatchObject({
      outcome: 'refused',
      class: 'QUOTA',
      code: expect.stringMatching(/./),
      message: expect.stringMatching(/./),
    })
    expect(cloud.snapshotsOf(detached.id)).toHaveLength(1)
  })

  test('the status of a disk can forbid a snapshot', async () => {
    await using peer = await start()
    const { client, detached } = peer
    detached.status = 'Recharging'
    expect(await client.submit(create(detached, 'never'), signal)).toMatchObject({
      outcome: 'refused',
      class: 'STATE',
    })
  })

  test.each(['CUT', '500'] as const)(
    'a create whose answer is lost (%s) is unclear, and its mark finds what it made',
    async (how) => {
      await using peer = await start()
      const { cloud, client, detached } = peer
      cloud.faults.nextWriteLost = how
      await expect(client.submit(create(detached, 'lost'), signal)).rejects.toMatchObject({
        name: 'CloudFault',
        class: 'UNCLEAR',
      })
      const found = await client.find('mark-lost', detached.id, signal)
      expect(found.map(({ name }) => name)).toEqual(['lost'])
    },
  )

  test('a create that failed before anything was done is unclear too, and its mark finds nothing', async () => {
    await using peer = await start()
    const { cloud, client, detached } = peer
    cloud.faults.nextWriteFails = true
    await expect(client.submit(create(detached, 'gone'), signal)).rejects.toMatchObject({ class: 'UNCLEAR' })
    expect(await client.find('mark-gone', detached.id, signal)).toEqual([])
  })

  test('a snapshot is renamed, keeps its mark, and is deleted', async () => {
    await using peer = await start()
    const { cloud, client, detached } = peer
    const snapshotId = await created(client, create(detached, 'old'))
    cloud.advance(cloud.copyMs)
    const change = { snapshotId, name: 'new', description: '', mark: 'mark-old' }
    expect(await client.submit({ verb: 'changeSnapshot', ...change }, signal)).toMatchObject(ACCEPTED)
    expect(await client.readSnapshot(snapshotId, signal)).toMatchObject({ name: 'new', mark: 'mark-old' })
    expect(await client.submit({ verb: 'deleteSnapshot', snapshotId }, signal)).toMatchObject(ACCEPTED)
    expect(await client.readSnapshot(snapshotId, signal)).toBeUndefined()
    expect(await client.submit({ verb: 'deleteSnapshot', snapshotId }, signal)).toMatchObject({
      outcome: 'refused',
      class: 'MISSING',
    })
  })

  test('a snapshot cannot be deleted while it is created', async () => {
    await using peer = await start()
    const { client, detached } = peer
    const snapshotId = await created(client, create(detached, 'young'))
    expect(await client.submit({ verb: 'deleteSnapshot', snapshotId }, signal)).toMatchObject({
      outcome: 'refused',
      class: 'STATE',
    })
  })

  test('a disk is rolled back, made of a snapshot, resized and released', async () => {
    await using peer = await start()
    const { cloud, client, attached, detached } = peer
    const snapshotId = await created(client, create(detached, 'base'))
    cloud.advance(cloud.copyMs)
    const rollBack = { verb: 'rollBack', snapshotId } as const
    expect(await client.submit({ ...rollBack, diskId: detached.id }, signal)).toMatchObject(ACCEPTED)
    expect(await client.submit({ ...rollBack, diskId: attached.id }, signal)).toMatchObject({
      class: 'STATE',
    })
    const diskId = await created(client, {
      verb: 'createDisk',
      snapshotId,
      name: 'copy',
      sizeBytes: 20n * 2n ** 30n + 1n,
      storageType: 'hp1',
      zone: 'cn-bj-a',
      token: 'disk-token',
    })
    expect(await client.readDisk(diskId, signal)).toMatchObject({
      name: 'copy',
      status: 'UNMOUNTED',
      sizeBytes: 21n * 2n ** 30n,
    })
    const resize = { verb: 'resize', diskId, sizeBytes: 30n * 2n ** 30n, token: 'resize-token' } as const
    expect(await client.submit(resize, signal)).toMatchObject(ACCEPTED)
    expect(await client.readDisk(diskId, signal)).toMatchObject({ sizeBytes: 30n * 2n ** 30n })
    expect(await client.submit({ verb: 'release', diskId, withSnapshots: false }, signal)).toMatchObject(
      ACCEPTED,
    )
    expect(await client.readDisk(diskId, signal)).toBeUndefined()
  })

  test('statuses that are not known here are shown as such', async () => {
    await using peer = await start()
    const { client, detached } = peer
    detached.status = 'Migrating2030'
    expect(await client.readDisk(detached.id, signal)).toMatchObject({
      status: 'UNKNOWN',
      rawStatus: 'Migrating2030',
    })
  })

  test('a marker that the cloud no longer knows makes the list begin again', async () => {
    await using peer = await start()
    const { cloud, client, detached } = peer
    cloud.pageSize = 1
    for (const name of ['a', 'b']) await created(client, create(detached, name))
    const { next } = await client.listSnapshots(undefined, signal)
    cloud.faults.nextMarkerRefused = true
    await expect(client.listSnapshots(next, signal)).rejects.toBeInstanceOf(CursorRefused)
  })

  test.each([
    [{ status: 500, body: '<h1>Oops</h1>' }, 'PASSING'],
    [{ status: 503, body: '' }, 'PASSING'],
    [{ status: 429, body: '', headers: { 'retry-after': '7' } }, 'THROTTLED'],
    [{ status: 200, body: '<h1>Maintenance</h1>' }, 'PASSING'],
  ])('the answer %j to a list is a fault of the class %s', async (answer, faultClass) => {
    await using peer = await start()
    await peer.client.listDisks(undefined, signal)
    peer.cloud.faults.everything = answer
    const fault = await peer.client.listDisks(undefined, signal).catch((error: unknown) => error)
    expect(fault).toBeInstanceOf(CloudFault)
    expect(fault).toMatchObject({ class: faultClass })
    if (answer.status === 429) expect(fault).toMatchObject({ retryAfterMs: 7_000 })
  })

  test.each(['../limits', 'a/../../b', 'x?y=1', 'x#y', '%2e%2e'])(
    'the id %s leads nowhere else, and nothing is asked',
    async (id) => {
      await using peer = await start()
      await peer.client.listDisks(undefined, signal)
      const before = peer.cloud.calls.length
      await expect(peer.client.readDisk(id, signal)).rejects.toThrow(
        'No disk, snapshot or instance has the id',
      )
      const answer = peer.client.submit({ verb: 'deleteSnapshot', snapshotId: id }, signal)
      await expect(answer).rejects.toThrow('No disk, snapshot or instance has the id')
      expect(peer.cloud.calls.length).toBe(before)
    },
  )

  test('a list that repeats a page is given up', async () => {
    const page = { rows: [], next: 'again' }
    await expect(allRows(() => Promise.resolve(page))).rejects.toMatchObject({ code: 'MALFORMED_ANSWER' })
  })

  test('the quota says what is used', async () => {
    await using peer = await start()
    const { client, detached } = peer
    await created(client, create(detached, 'one'))
    const used = (await client.quota(signal)).filter(({ kind }) => kind.includes('SNAPSHOTS'))
    expect(used.map((quota) => quota.used).reduce((a, b) => a + b, 0)).toBe(1)
  })
}

const ACCEPTED = { outcome: 'accepted' }

export const create = (disk: FakeDisk, name: string): CloudRequest => ({
  verb: 'createSnapshot',
  disk: { externalId: disk.id, kind: disk.system ? 'SYSTEM' : 'DATA', instanceId: disk.instanceId },
  name,
  description: '',
  mark: `mark-${name}`,
  token: `token-${name}`,
})

/** Submits a request that is accepted; the id of what it makes. */
export async function created(client: Cloud, request: CloudRequest): Promise<string> {
  const answer: CloudAnswer = await client.submit(request, signal)
  if (answer.outcome === 'refused' || answer.externalId === null) throw new Error(JSON.stringify(answer))
  return answer.externalId
}
