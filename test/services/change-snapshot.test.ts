import { execFileSync } from 'node:child_process'
import { access, chmod, mkdir, open, readdir, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { SNAPSHOT_STATUSES } from '../../src/domain/snapshot.ts'
import { startTestApp, type TestApp } from '../support/app.ts'
import { breakStorage, repairStorage } from '../support/broken-storage.ts'
import { cursorAt } from '../support/cursors.ts'
import { createMemoryProvider } from '../support/memory-provider.ts'
import { runnerOf } from '../support/runner.ts'
import { completed, mutate, recorded, stepsOf } from '../support/snapshots.ts'

const copyOf = (app: TestApp, id: string) => join(app.config.snapshotsDir, id)
const exists = (path: string) =>
  access(path).then(
    () => true,
    () => false,
  )

const quotaOf = async (app: TestApp, id: string) =>
  (await app.graphql(`query ($id: ID!) { disk(id: $id) { snapshotQuota { manual { used } } } }`, { id })).data
    .disk.snapshotQuota.manual.used as number

const SHOWN = 'snapshot { name description tags { key value } retentionDays expiresAt }'

describe('updateSnapshot', () => {
  test('changes what is given, leaves the rest, and counts retention from the creation', async () => {
    await using app = await startTestApp({}, { now: () => new Date('2026-03-01T00:00:00Z') })
    const disk = await app.disk()
    const tags = [{ key: 'env', value: 'test' }]
    const snapshotId = await completed(app, disk, { description: 'first', tags, retentionDays: 7 })

    const renamed = await mutate(app, 'updateSnapshot', { snapshotId, name: 'renamed' }, SHOWN)
    expect(renamed.snapshot).toEqual({
      name: 'renamed',
      description: 'first',
      tags,
      retentionDays: 7,
      expiresAt: '2026-03-08T00:00:00.000Z',
    })
    const other = { description: '', tags: [{ key: 'app', value: '' }], retentionDays: 30 }
    const changed = await mutate(app, 'updateSnapshot', { snapshotId, ...other }, SHOWN)
    expect(changed.snapshot).toEqual({ name: 'renamed', ...other, expiresAt: '2026-03-31T00:00:00.000Z' })
    for (const retentionDays of [-1, null]) {
      await mutate(app, 'updateSnapshot', { snapshotId, retentionDays: 1 }, SHOWN)
      const kept = await mutate(app, 'updateSnapshot', { snapshotId, retentionDays, tags: [] }, SHOWN)
      expect(kept.snapshot).toMatchObject({ tags: [], retentionDays: null, expiresAt: null })
    }
    expect(await stepsOf(app, snapshotId)).toHaveLength(2)
  })

  test('refuses a bad name, a snapshot that is not there, and limits that are passed, and changes nothing', async () => {
    await using app = await startTestApp()
    const snapshotId = await completed(app, await app.disk())

    expect(await mutate(app, 'updateSnapshot', { snapshotId, name: '1' }, SHOWN)).toMatchObject({
      code: 'INVALID_NAME',
    })
    expect(await mutate(app, 'updateSnapshot', { snapshotId: 's-nothere0' }, SHOWN)).toMatchObject({
      code: 'SNAPSHOT_NOT_FOUND',
    })
    const tag = (index: number) => ({ key: `k${index}`, value: '' })
    for (const input of [
      { tags: Array.from({ length: 41 }, (_, index) => tag(index)) },
      { tags: [tag(1), tag(1)] },
      { tags: [{ key: 'k'.repeat(66), value: '' }] },
      { tags: [{ key: 'k', value: 'v'.repeat(66) }] },
      { tags: [{ key: '', value: '' }] },
      { description: 'd'.repeat(1_001) },
      { retentionDays: 0 },
      { retentionDays: 65_537 },
    ]) {
      await expect(mutate(app, 'updateSnapshot', { snapshotId, ...input }, SHOWN)).rejects.toThrow(
        'BAD_USER_INPUT',
      )
    }
    const most = Array.from({ length: 40 }, (_, index) => ({
      key: String(index).padStart(2, '0').padStart(65, 'k'),
      value: 'v'.repeat(65),
    }))
    const { snapshot } = await mutate(app, 'updateSnapshot', { snapshotId, tags: most }, SHOWN)
    expect(snapshot.tags).toEqual(most)
  })
})

test('a snapshot says beforehand, in every status, what the mutations then answer', async () => {
  await using app = await startTestApp()
  const facts = '{ allowed refusals { code ... on SnapshotStatusForbidsOperation { operation actual } } }'
  for (const status of SNAPSHOT_STATUSES.filter((one) => one !== 'DELETED')) {
    const disk = await app.disk()
    const id = `s-${disk.id.slice(2)}`
    await recorded(app, disk, { id, status, checksum: 'sha256-64k:0' })
    const { data } = await app.graphql(
      `query ($id: ID!) { snapshot(id: $id) {
        update: updateEligibility ${facts} verify: verifyEligibility ${facts} rollBack: rollBackEligibility ${facts}
        createDisk: createDiskEligibility ${facts} delete: deleteEligibility ${facts} } }`,
      { id },
    )
    const answers: Record<string, any> = {}
    const answer = async (name: string, mutation: string, input: object) => {
      answers[name] = await mutate(app, mutation, { snapshotId: id, ...input }, '__typename')
      await app.db.job.deleteMany()
    }
    await answer('update', 'updateSnapshot', {})
    await answer('verify', 'verifySnapshot', {})
    await answer('rollBack', 'rollBackDisk', { diskId: disk.id })
    await answer('createDisk', 'createDisk', { name: 'copy' })
    // It takes the snapshot away, so it comes last.
    await answer('delete', 'deleteSnapshot', {})

    for (const [name, { __typename, ...refusal }] of Object.entries(answers)) {
      const accepted = (__typename as string).endsWith('Payload')
      expect([status, name, data.snapshot[name]]).toEqual([
        status,
        name,
        { allowed: accepted, refusals: accepted ? [] : [refusal] },
      ])
    }
    expect(data.snapshot.delete.allowed).toBe(!['CREATING', 'DELETING'].includes(status))
  }
})

describe('deleteSnapshot', () => {
  test('answers DELETING at once; when DELETED is announced the bytes are gone and the quota is free', async () => {
    await using app = await startTestApp()
    const disk = await app.disk()
    const snapshotId = await completed(app, disk)
    const seen: object[] = []
    const watching = (async () => {
      const watch = `subscription ($after: String) { snapshotTransitions(after: $after) { from to reason snapshot { id } diskId } }`
      for await (const { data } of app.sse(watch, { after: cursorAt(app, 2) })) {
        const { to } = data.snapshotTransitions as { to: string }
        seen.push({
          ...data.snapshotTransitions,
          bytes: await exists(copyOf(app, snapshotId)),
          used: await quotaOf(app, disk.id),
        })
        if (to === 'DELETED') return
      }
    })()

    const answer = await mutate(app, 'deleteSnapshot', { snapshotId }, 'snapshot { id status }')
    expect(answer.snapshot).toEqual({ id: snapshotId, status: 'DELETING' })
    expect(await quotaOf(app, disk.id)).toBe(1)
    await expect.poll(() => seen.length).toBe(1)
    await app.runner.tick()
    await watching

    const common = { reason: null, diskId: disk.id }
    expect(seen).toEqual([
      { ...common, from: 'COMPLETED', to: 'DELETING', snapshot: { id: snapshotId }, bytes: true, used: 1 },
      { ...common, from: 'DELETING', to: 'DELETED', snapshot: null, bytes: false, used: 0 },
    ])
    expect(await readdir(app.config.snapshotsDir)).toEqual(['.partial'])
    expect(await readdir(join(app.config.snapshotsDir, '.partial'))).toEqual([])
    expect(await app.db.job.count()).toBe(0)
  })

  test('leaves the history, which snapshotHistory and snapshotStatus tell until the log is pruned', async () => {
    await using app = await startTestApp()
    const id = await completed(app, await app.disk())
    await mutate(app, 'deleteSnapshot', { snapshotId: id }, '__typename')
    await app.runner.tick()

    const history = async () =>
      (
        await app.graphql(`query ($id: ID!) { snapshotHistory(id: $id) { to } snapshot(id: $id) { id } }`, {
          id,
        })
      ).data
    const all = ['CREATING', 'COMPLETED', 'DELETING', 'DELETED'].map((to) => ({ to }))
    expect(await history()).toEqual({ snapshotHistory: all, snapshot: null })
    const events = await Array.fromAsync(
      app.sse(`subscription ($id: ID!) { snapshotStatus(id: $id) { to } }`, { id }),
    )
    expect(events.map(({ data }) => data.snapshotStatus)).toEqual(all)

    await completed(app, await app.disk())
    await app.transitions.prune({ before: new Date(Date.now() + 60_000), keep: 0 })
    expect((await history()).snapshotHistory).toEqual([])
  })

  test('tells its latest transitions, however many verifications of it were cancelled', async () => {
    await using app = await startTestApp()
    const id = await completed(app, await app.disk())
    for (let round = 0; round < 12; round++) {
      await mutate(app, 'verifySnapshot', { snapshotId: id }, '__typename')
      await mutate(app, 'cancelOperation', { id }, '__typename')
      await app.runner.tick()
    }
    const ask = async (last: string) => {
      const { data, errors } = await app.graphql(
        `{ snapshot(id: "${id}") { transitions${last} { sequence } } snapshotHistory(id: "${id}") { sequence } }`,
      )
      const { snapshot, snapshotHistory } = (data ?? {}) as {
        snapshot?: { transitions: unknown[] }
        snapshotHistory?: unknown[]
      }
      return { all: snapshotHistory, latest: snapshot?.transitions, message: errors?.[0]?.message }
    }
    const { all = [], latest } = await ask('')
    expect(all.length).toBe(26)
    expect(latest).toEqual(all.slice(-10))
    expect((await ask('(last: 2)')).latest).toEqual(all.slice(-2))
    expect((await ask('(last: 101)')).message).toMatch(/^last must be from 1 to 100\./)
  })

  test('of a FAILED one that holds nothing works just so', async () => {
    await using app = await startTestApp()
    const disk = await app.disk()
    await recorded(app, disk, { id: 's-failed000', status: 'FAILED' })
    await mutate(app, 'deleteSnapshot', { snapshotId: 's-failed000' }, '__typename')
    await app.runner.tick()
    expect(await stepsOf(app, 's-failed000')).toEqual([
      ['FAILED', 'DELETING'],
      ['DELETING', 'DELETED'],
    ])
  })

  test('is one deletion however many ask at once', async () => {
    await using app = await startTestApp()
    const snapshotId = await completed(app, await app.disk())
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => mutate(app, 'deleteSnapshot', { snapshotId }, '__typename')),
    )
    expect(answers.filter(({ __typename }) => __typename === 'DeleteSnapshotPayload')).toHaveLength(1)
    expect(answers.filter(({ actual }) => actual === 'DELETING')).toHaveLength(19)
    await app.runner.tick()
    expect(await stepsOf(app, snapshotId)).toHaveLength(4)
  })

  test('a full disk takes another snapshot only when the deletion of one has ended', async () => {
    await using app = await startTestApp({ SNAPSHOT_QUOTA_MANUAL: '1' })
    const disk = await app.disk()
    const snapshotId = await completed(app, disk)
    const again = () => mutate(app, 'createSnapshot', { diskId: disk.id, name: 'again' }, '__typename')

    expect(await again()).toMatchObject({ code: 'SNAPSHOT_QUOTA_EXCEEDED' })
    await mutate(app, 'deleteSnapshot', { snapshotId }, '__typename')
    expect(await again()).toMatchObject({ code: 'SNAPSHOT_QUOTA_EXCEEDED' })
    await app.runner.tick()
    expect(await again()).toEqual({ __typename: 'CreateSnapshotPayload' })
  })

  test('that is cut short by a fault is stalled, says so, and goes on', async () => {
    let now = new Date('2026-01-01T00:00:00Z')
    await using app = await startTestApp({}, { now: () => now })
    const id = await completed(app, await app.disk())
    await mutate(app, 'deleteSnapshot', { snapshotId: id }, '__typename')
    const faulty = createMemoryProvider()
    faulty.delete = () => Promise.reject(Object.assign(new Error('/secret'), { code: 'EIO' }))
    await using runner = runnerOf(app, faulty, { now: () => now })
    await runner.tick()

    const shown = `query ($id: ID!) { snapshot(id: $id) { status stalledSince stallReason operation { kind stallReason } } }`
    const stallReason =
      'Attempt 1 to delete the snapshot failed with a transient fault (EIO). It is retried automatically.'
    expect((await app.graphql(shown, { id })).data.snapshot).toEqual({
      status: 'DELETING',
      stalledSince: '2026-01-01T00:00:00.000Z',
      stallReason,
      operation: { kind: 'DELETE_SNAPSHOT', stallReason },
    })
    now = new Date(now.getTime() + 60_000)
    await app.runner.tick()
    expect(await stepsOf(app, id)).toContainEqual(['DELETING', 'DELETED'])
    expect(await exists(copyOf(app, id))).toBe(false)
  })

  test('a runner that was fenced while it copied leaves nothing of a snapshot that was deleted since', async () => {
    let now = new Date('2026-01-01T00:00:00Z')
    await using app = await startTestApp({}, { now: () => now })
    const disk = await app.disk()
    await mutate(app, 'createSnapshot', { diskId: disk.id, name: 'a' }, '__typename')
    const { id } = await app.db.snapshot.findFirstOrThrow()
    const slow = createMemoryProvider()
    const removed: string[] = []
    slow.delete = async (snapshotId) => {
      removed.push(snapshotId)
      return { outcome: 'done' }
    }
    await using late = runnerOf(app, slow, { now: () => now })
    const lateWork = late.tick()
    const copy = await slow.next()
    now = new Date(now.getTime() + 20_000)
    await app.runner.tick()
    await mutate(app, 'deleteSnapshot', { snapshotId: id }, '__typename')
    await app.runner.tick()

    copy.complete()
    await lateWork
    expect(removed).toEqual([id])
    expect(await stepsOf(app, id)).toHaveLength(4)
  })
})

describe('deleteSnapshots', () => {
  test('answers each by itself, in order', async () => {
    await using app = await startTestApp()
    const disk = await app.disk()
    const done = await completed(app, disk)
    await recorded(app, disk, { id: 's-creating0', status: 'CREATING' })
    const snapshotIds = ['s-creating0', done, 's-nothere0']

    const selection = 'items { snapshotId snapshot { id status } refusal { code } }'
    const { items } = await mutate(app, 'deleteSnapshots', { snapshotIds }, selection)

    expect(items).toEqual([
      { snapshotId: 's-creating0', snapshot: null, refusal: { code: 'SNAPSHOT_STATUS_FORBIDS_OPERATION' } },
      { snapshotId: done, snapshot: { id: done, status: 'DELETING' }, refusal: null },
      { snapshotId: 's-nothere0', snapshot: null, refusal: { code: 'SNAPSHOT_NOT_FOUND' } },
    ])
  })

  test('takes 1 to 50, each once', async () => {
    await using app = await startTestApp()
    const many = Array.from({ length: 51 }, (_, i) => `s-${i}aaaaaaaa`)
    for (const snapshotIds of [[], many, ['s-aaaaaaaa', 's-aaaaaaaa']]) {
      const call = mutate(app, 'deleteSnapshots', { snapshotIds }, '__typename')
      await expect(call).rejects.toThrow('BAD_USER_INPUT')
    }
  })
})

describe('retention', () => {
  test('deletes a snapshot when it has passed, not before, and the transitions say why', async () => {
    let now = new Date('2026-01-01T00:00:00Z')
    await using app = await startTestApp({}, { now: () => now })
    const disk = await app.disk()
    const [short, long, kept] = [
      await completed(app, disk, { retentionDays: 1 }),
      await completed(app, disk, { retentionDays: 2 }),
      await completed(app, disk),
    ]
    now = new Date('2026-01-01T23:59:59.999Z')
    await app.housekeeping.tick()
    expect(await app.db.job.count()).toBe(0)

    now = new Date('2026-01-02T00:00:00Z')
    await app.housekeeping.tick()
    await app.housekeeping.tick()
    await app.runner.tick()

    const why = 'Its retention of 1 day ended at 2026-01-02T00:00:00.000Z.'
    expect(await stepsOf(app, short)).toEqual([
      [null, 'CREATING'],
      ['CREATING', 'COMPLETED'],
      ['COMPLETED', 'DELETING', why],
      ['DELETING', 'DELETED', why],
    ])
    expect((await app.db.snapshot.findMany({ select: { id: true } })).map(({ id }) => id).sort()).toEqual(
      [long, kept].sort(),
    )
  })

  test('leaves one that is being made or read until that has ended', async () => {
    let now = new Date('2026-01-01T00:00:00Z')
    await using app = await startTestApp({}, { now: () => now })
    const disk = await app.disk()
    const read = await completed(app, disk, { retentionDays: 1 })
    await mutate(app, 'verifySnapshot', { snapshotId: read }, '__typename')
    await mutate(app, 'createSnapshot', { diskId: disk.id, name: 'made', retentionDays: 1 }, '__typename')
    now = new Date('2026-02-01T00:00:00Z')
    await app.housekeeping.tick()
    expect(await app.db.snapshot.count({ where: { status: 'DELETING' } })).toBe(0)

    await app.runner.tick()
    await app.housekeeping.tick()
    await app.runner.tick()
    expect(await app.db.snapshot.count()).toBe(0)
  })

  test('of hundreds that end at once deletes all', async () => {
    await using app = await startTestApp()
    const disk = await app.disk()
    await app.heldSnapshots(disk, 250)
    await app.db.snapshot.updateMany({
      data: { retentionDays: 3, expiresAt: new Date('2026-01-04T00:00:00Z') },
    })
    expect(await app.snapshots.expire()).toBe(250)
    expect(await app.snapshots.expire()).toBe(0)
  })
})

describe('verifySnapshot', () => {
  const VERIFIED = `query ($id: ID!) { snapshot(id: $id) { status failureReason verifiedAt operation { kind } verifyEligibility { refusals { code } } deleteEligibility { refusals { code } } } }`

  test('reads the copy again, and says when it was found intact', async () => {
    await using app = await startTestApp({}, { now: () => new Date('2026-01-01T00:00:00Z') })
    const id = await completed(app, await app.disk())
    const shown = async () => (await app.graphql(VERIFIED, { id })).data.snapshot
    const idle = { status: 'COMPLETED', failureReason: null, verifyEligibility: { refusals: [] } }
    const free = { ...idle, operation: null, deleteEligibility: { refusals: [] } }
    expect(await shown()).toEqual({ ...free, verifiedAt: null })

    const answer = await mutate(app, 'verifySnapshot', { snapshotId: id }, 'snapshot { status }')
    expect(answer.snapshot).toEqual({ status: 'COMPLETED' })
    const inUse = { refusals: [{ code: 'SNAPSHOT_IN_USE' }] }
    expect(await shown()).toEqual({
      ...idle,
      verifiedAt: null,
      operation: { kind: 'VERIFY_SNAPSHOT' },
      verifyEligibility: inUse,
      deleteEligibility: inUse,
    })
    for (const again of ['verifySnapshot', 'deleteSnapshot']) {
      const refused = await mutate(app, again, { snapshotId: id }, '__typename')
      expect(refused).toEqual({ __typename: 'SnapshotInUse', code: 'SNAPSHOT_IN_USE', snapshotId: id })
    }
    const progress = Array.fromAsync(
      app.sse(`subscription ($id: ID!) { snapshotProgress(id: $id) { percent totalBytes } }`, { id }),
    )
    await expect.poll(() => app.progress.watchers).toBe(1)
    await app.runner.tick()

    expect(await shown()).toEqual({ ...free, verifiedAt: '2026-01-01T00:00:00.000Z' })
    const events = (await progress).map(({ data }) => data.snapshotProgress)
    expect(events[0]).toEqual({ percent: null, totalBytes: null })
    expect(events.at(-1)).toEqual({ percent: 100, totalBytes: 1024 ** 2 })
    expect(await stepsOf(app, id)).toHaveLength(2)
  })

  test.each([
    [
      'changed byte',
      async (image: string) => {
        await using file = await open(image, 'r+')
        await file.write(Buffer.from([1]), 0, 1, 3 * 1024 ** 2)
      },
      'The stored copy is corrupt: checksum mismatch.',
    ],
    ['missing image', (image: string) => rm(image), 'The stored copy is missing.'],
    [
      'folder in place of the image',
      (image: string) => rm(image).then(() => mkdir(image)),
      'The stored copy is not a regular file.',
    ],
    [
      'symbolic link in place of the image',
      (image: string) => rename(image, `${image}.real`).then(() => symlink(`${image}.real`, image)),
      'The stored copy is not a regular file.',
    ],
    [
      'FIFO in place of the image',
      (image: string) => rm(image).then(() => execFileSync('mkfifo', [image])),
      'The stored copy is not a regular file.',
    ],
    [
      'image that may not be read',
      async (image: string) => breakStorage(image, ['open', 'stat'], 'EACCES'),
      'The stored copy cannot be read: permission denied.',
    ],
    [
      'manifest that may not be read',
      async (image: string) =>
        breakStorage(join(dirname(image), 'manifest.json'), ['open', 'stat'], 'EACCES'),
      'The stored copy cannot be read: permission denied.',
    ],
    [
      'manifest that was changed',
      async (image: string) => {
        const manifest = join(dirname(image), 'manifest.json')
        await chmod(manifest, 0o600)
        await writeFile(manifest, '{}')
      },
      'The manifest of the stored copy is invalid.',
    ],
  ])('finds a %s: the snapshot becomes UNAVAILABLE with the reason', async (_what, damage, reason) => {
    onTestFinished(repairStorage)
    await using app = await startTestApp()
    const disk = await app.disk()
    const id = await completed(app, disk)
    await damage(join(copyOf(app, id), 'image'))
    await mutate(app, 'verifySnapshot', { snapshotId: id }, '__typename')
    await app.runner.tick()
    repairStorage()

    const { data } = await app.graphql(VERIFIED, { id })
    expect(data.snapshot).toMatchObject({ status: 'UNAVAILABLE', failureReason: reason, verifiedAt: null })
    expect((await stepsOf(app, id)).at(-1)).toEqual(['COMPLETED', 'UNAVAILABLE', reason])
    expect(await quotaOf(app, disk.id)).toBe(1)

    await mutate(app, 'deleteSnapshot', { snapshotId: id }, '__typename')
    await app.runner.tick()
    expect((await stepsOf(app, id)).at(-1)).toEqual(['DELETING', 'DELETED'])
    expect(await quotaOf(app, disk.id)).toBe(0)
  })
})
