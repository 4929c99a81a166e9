import { rename, rm } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { appendDiskTransitions } from '../../src/transitions/append.ts'
import { startTestApp, type TestApp } from '../support/app.ts'
import { cursorAt, diskCursorAt } from '../support/cursors.ts'
import { completed, mutate } from '../support/snapshots.ts'

const WATCH = `subscription ($after: String, $filter: DiskTransitionFilter) {
  diskTransitions(after: $after, filter: $filter) { sequence cursor diskId from to reason disk { status } }
}`

/** Reads a number of transitions, then disconnects. */
async function take(app: TestApp, count: number, variables: Record<string, unknown>): Promise<any[]> {
  const seen: any[] = []
  for await (const { data, errors } of app.sse(WATCH, variables)) {
    if (errors) throw new Error(JSON.stringify(errors))
    if (seen.push(data.diskTransitions) === count) break
  }
  return seen
}

const start = (app: TestApp) => diskCursorAt(app, 0)

test('what is seen by looking at disks is a transition too, with the reason, and none when nothing changes', async () => {
  await using app = await startTestApp()
  const disk = await app.disk()
  const watching = take(app, 3, { after: start(app) })
  await app.looks.lookAtAll()
  await rename(disk.path, `${disk.path}.away`)
  await app.looks.lookAtAll()
  await app.looks.lookAtAll()
  await rename(`${disk.path}.away`, disk.path)
  await app.looks.lookAt(app.viewer, disk.id)

  const steps = (await watching).map(({ sequence, from, to, reason }) => [sequence, from, to, reason])
  expect(steps).toEqual([
    [1, null, 'UNMOUNTED', null],
    [2, 'UNMOUNTED', 'ERROR', 'The image file is missing.'],
    [3, 'ERROR', 'UNMOUNTED', null],
  ])
})

test('a snapshot leads its disk through SNAPSHOTTING and back', async () => {
  await using app = await startTestApp()
  const disk = await app.disk()
  await completed(app, disk)
  const steps = (await take(app, 3, { after: start(app), filter: { diskId: { eq: disk.id } } })).map(
    ({ from, to }) => [from, to],
  )
  expect(steps).toEqual([
    [null, 'UNMOUNTED'],
    ['UNMOUNTED', 'SNAPSHOTTING'],
    ['SNAPSHOTTING', 'UNMOUNTED'],
  ])
})

test('a stream from the streamCursor of any list continues exactly after it, for disks and for snapshots', async () => {
  await using app = await startTestApp()
  const disk = await app.disk()
  await completed(app, disk)
  for (const list of ['disks', 'snapshots']) {
    const { data } = await app.graphql(`{ ${list} { streamCursor nodes { id } } }`)
    const { streamCursor: after } = data[list] as { streamCursor: string }
    const heads = await app.db.diskTransition.count()
    const snapshotHeads = await app.db.snapshotTransition.count()
    await completed(app, disk)
    const disks = await take(app, 2, { after })
    expect(disks.map(({ sequence }) => sequence)).toEqual([heads + 1, heads + 2])
    const watch = 'subscription ($after: String) { snapshotTransitions(after: $after) { sequence } }'
    for await (const event of app.sse(watch, { after })) {
      expect(event.data.snapshotTransitions.sequence).toBe(snapshotHeads + 1)
      break
    }
  }
})

test('a cursor of snapshots is not valid for disks, nor the reverse', async () => {
  await using app = await startTestApp()
  await completed(app, await app.disk())
  const wrong = [
    ['diskTransitions', cursorAt(app, 1)],
    ['snapshotTransitions', diskCursorAt(app, 1)],
    ['diskTransitions', `${diskCursorAt(app, 1)}~${cursorAt(app, 1)}~x`],
  ]
  for (const [field, after] of wrong) {
    const [event] = await Array.fromAsync(
      app.sse(`subscription ($after: String) { ${field ?? ''}(after: $after) { to } }`, { after }),
    )
    expect(event?.errors?.[0]?.extensions.code).toBe('BAD_USER_INPUT')
  }
})

test('filters let through what they name, live and from the past, for groups of subscribers over both transports', async () => {
  await using app = await startTestApp()
  const [one, two] = [await app.disk(), await app.disk()]
  const filter = { diskId: { in: [one.id] }, to: { in: ['IN_USE', 'DETACHING'] } }
  await using client = app.webSocket()
  const seen: any[][] = [[], [], []]
  const readers = seen.map(async (into, index) => {
    const variables = { filter, after: start(app) }
    if (index === 0) into.push(...(await take(app, 2, variables)))
    else {
      for await (const { data } of client.iterate<any>({ query: WATCH, variables })) {
        if (into.push(data.diskTransitions) === 2) break
      }
    }
  })
  await expect.poll(() => app.diskHub.groups.counts).toMatchObject({ members: 3, groups: 1, selections: 1 })
  for (const { id } of [one, two]) {
    await mutate(app, 'attachDisk', { diskId: id, instanceId: 'i-1' }, '__typename')
    await app.runner.tick()
    await mutate(app, 'detachDisk', { diskId: id }, '__typename')
    await app.runner.tick()
  }
  await Promise.all(readers)
  for (const events of seen) {
    expect(events.map(({ diskId, from, to }) => [diskId, from, to])).toEqual([
      [one.id, 'ATTACHING', 'IN_USE'],
      [one.id, 'IN_USE', 'DETACHING'],
    ])
  }
  await expect.poll(() => app.diskHub.listeners).toBe(0)
})

test('watchers who resume again and again while disks change see every transition once and in order', async () => {
  await using app = await startTestApp()
  const disks = [await app.disk(), await app.disk(), await app.disk()]
  const watcher = async (burst: number) => {
    const seen: any[] = []
    while (seen.length < 33) {
      const after = (seen.at(-1)?.cursor as string | undefined) ?? start(app)
      seen.push(...(await take(app, Math.min(burst, 33 - seen.length), { after })))
    }
    return seen.map(({ sequence }) => sequence as number)
  }
  const watching = [1, 2, 7].map(watcher)
  for (let round = 0; round < 5; round++) {
    await Promise.all(disks.map((disk) => rm(disk.path, { force: true })))
    await app.looks.lookAtAll()
    await app.db.write(function* (sql) {
      for (const { id, accountId } of disks) {
        yield* sql.update('Disk', { status: 'UNKNOWN' }, { id })
        const step = { accountId, diskId: id, reason: null, at: new Date() }
        yield* appendDiskTransitions(sql, { ...step, from: 'ERROR', to: 'UNKNOWN' })
        yield* sql.update('Disk', { status: 'UNMOUNTED' }, { id })
      }
    })
    app.diskHub.wake()
  }
  const all = Array.from({ length: 33 }, (_, index) => index + 1)
  expect(await Promise.all(watching)).toEqual([all, all, all])
})

const STATUS = 'subscription ($id: ID!, $after: String) { diskStatus(id: $id, after: $after) { from to } }'

test('diskStatus tells the history, then goes on until nothing is in progress, and completes by itself', async () => {
  await using app = await startTestApp()
  const { id } = await app.disk()
  const idle = await Array.fromAsync(app.sse(STATUS, { id }))
  expect(idle.map(({ data }) => data.diskStatus)).toEqual([{ from: null, to: 'UNMOUNTED' }])

  await mutate(app, 'attachDisk', { diskId: id, instanceId: 'i-1' }, '__typename')
  const watching = Array.fromAsync(app.sse(STATUS, { id, after: diskCursorAt(app, 1) }))
  await expect.poll(() => app.diskHub.groups.counts.members).toBe(1)
  await app.runner.tick()
  expect((await watching).map(({ data }) => data.diskStatus)).toEqual([
    { from: 'UNMOUNTED', to: 'ATTACHING' },
    { from: 'ATTACHING', to: 'IN_USE' },
  ])
})

test('diskStatus of a disk that is DELETED still tells its history; of none there ever was it is NOT_FOUND', async () => {
  await using app = await startTestApp()
  const { id } = await app.disk()
  await mutate(app, 'releaseDisk', { diskId: id }, '__typename')
  await app.runner.tick()
  const events = await Array.fromAsync(app.sse(STATUS, { id }))
  expect(events.map(({ data }) => data.diskStatus.to)).toEqual(['UNMOUNTED', 'DELETING', 'DELETED'])
  const [missing] = await Array.fromAsync(app.sse(STATUS, { id: 'v-nothere0' }))
  expect(missing?.errors?.[0]?.extensions.code).toBe('NOT_FOUND')
})

test('pruning leaves the last transition of each disk that exists, and expires older cursors', async () => {
  let now = new Date('2026-01-01T00:00:00Z')
  await using app = await startTestApp(
    { LOG_RETENTION_EVENTS: '0', LOG_RETENTION_DAYS: '1' },
    { now: () => now },
  )
  const [kept, gone] = [await app.disk(), await app.disk()]
  await completed(app, kept)
  await mutate(app, 'releaseDisk', { diskId: gone.id }, '__typename')
  await app.runner.tick()
  now = new Date('2026-02-01T00:00:00Z')
  const last = await app.disk()
  await app.housekeeping.tick()

  const left = await app.db.diskTransition.findMany({ orderBy: { sequence: 'asc' } })
  expect(left.map(({ diskId, to }) => [diskId, to])).toEqual([
    [kept.id, 'UNMOUNTED'],
    [last.id, 'UNMOUNTED'],
  ])
  const events = await Array.fromAsync(app.sse(STATUS, { id: kept.id }))
  expect(events.map(({ data }) => data.diskStatus.to)).toEqual(['UNMOUNTED'])
  await expect(take(app, 1, { after: start(app) })).rejects.toThrow('CURSOR_EXPIRED')
})

test('a step that the life cycle does not know throws, and undoes the change it was part of', async () => {
  await using app = await startTestApp()
  const { id, accountId } = await app.disk()
  const work = app.db.write(function* (sql) {
    yield* sql.update('Disk', { status: 'ATTACHING' }, { id })
    const step = { accountId, diskId: id, reason: null, at: new Date() }
    yield* appendDiskTransitions(sql, { ...step, from: 'EXPIRED', to: 'ATTACHING' })
  })
  await expect(work).rejects.toThrow('A disk cannot go from EXPIRED to ATTACHING.')
  expect(await app.db.disk.findUnique({ where: { id } })).toMatchObject({ status: 'UNMOUNTED' })
})
