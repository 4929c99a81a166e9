import { expect, test } from 'vitest'
import { appendTransitions } from '../../src/transitions/append.ts'
import { startTestApp, type TestApp } from '../support/app.ts'

const COMMON = '__typename at reason diskId'
const OF_SNAPSHOT = 'snapshotName snapshotFrom: from snapshotTo: to snapshot { id }'
const OF_DISK = 'diskFrom: from diskTo: to'
const HISTORY = `query ($id: ID!, $first: Int, $after: String, $last: Int, $before: String) {
  disk(id: $id) { history(first: $first, after: $after, last: $last, before: $before) {
    totalCount streamCursor pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
    edges { cursor }
    nodes { ${COMMON} ... on SnapshotTransition { ${OF_SNAPSHOT} } ... on DiskTransition { ${OF_DISK} } } } }
}`
const DELETE = `mutation ($input: DeleteSnapshotsInput!) { deleteSnapshots(input: $input) { __typename } }`

interface History {
  totalCount: number
  streamCursor: string
  pageInfo: Record<'hasNextPage' | 'hasPreviousPage', boolean> &
    Record<'startCursor' | 'endCursor', string | null>
  nodes: Record<string, string | null>[]
}

const page = async (app: Pick<TestApp, 'graphql'>, id: string, args: object = {}) =>
  (await app.graphql(HISTORY, { id, ...args })).data.disk.history as History

/** A line for each transition, such as `snapshot nightly CREATING → COMPLETED`. */
const lines = ({ nodes }: History) =>
  nodes.map((node) =>
    node['__typename'] === 'DiskTransition'
      ? `disk ${node['diskFrom']} → ${node['diskTo']}`
      : `snapshot ${node['snapshotName']} ${node['snapshotFrom']} → ${node['snapshotTo']}`,
  )

/** A disk with a snapshot that was taken, renamed and deleted. */
async function withHistory(app: TestApp) {
  const disk = await app.disk()
  const id = await app.snapshot(disk, { name: 'nightly' })
  await app.runner.tick()
  await app.db.snapshot.update({ where: { id }, data: { name: 'renamed' } })
  await app.graphql(DELETE, { input: { snapshotIds: [id] } })
  await app.runner.tick()
  return disk
}

const LINES = [
  'snapshot renamed DELETING → DELETED',
  'snapshot renamed COMPLETED → DELETING',
  'snapshot nightly CREATING → COMPLETED',
  'disk SNAPSHOTTING → UNMOUNTED',
  'snapshot nightly null → CREATING',
  'disk UNMOUNTED → SNAPSHOTTING',
  'disk null → UNMOUNTED',
]

test('the history of a disk has its transitions and those of its snapshots, newest first, with the names of deleted ones', async () => {
  await using app = await startTestApp()
  const disk = await withHistory(app)
  const other = await withHistory(app)

  const history = await page(app, disk.id)

  expect(lines(history)).toEqual(LINES)
  expect(history).toMatchObject({ totalCount: 7, pageInfo: { hasNextPage: false, hasPreviousPage: false } })
  expect(new Set(history.nodes.map(({ diskId }) => diskId))).toEqual(new Set([disk.id]))
  expect(lines(await page(app, other.id))).toEqual(LINES)
})

test('the history of a disk is paged without a gap or a repetition, both ways, also where much happened at one moment', async () => {
  await using app = await startTestApp()
  const disk = await withHistory(app)
  const of = { accountId: disk.accountId, diskId: disk.id, from: null, reason: null, at: new Date() }
  await app.db.write((sql) =>
    appendTransitions(
      sql,
      ...Array.from({ length: 9 }, (_, i) => ({
        ...of,
        snapshotId: `s-atonce${i}`,
        snapshotName: null,
        snapshotType: null,
        to: 'CREATING' as const,
      })),
    ),
  )
  const whole = await page(app, disk.id)
  expect(whole.nodes).toHaveLength(16)

  for (const size of [1, 2, 3, 16]) {
    const forwards = []
    for (let after: string | null = null, more = true; more;) {
      const { nodes, pageInfo } = await page(app, disk.id, { first: size, after })
      forwards.push(...nodes)
      after = pageInfo.endCursor
      more = pageInfo.hasNextPage
    }
    expect(forwards).toEqual(whole.nodes)

    const backwards = []
    for (let before: string | null = null, more = true; more;) {
      const { nodes, pageInfo } = await page(app, disk.id, { last: size, before })
      backwards.unshift(...nodes)
      before = pageInfo.startCursor
      more = pageInfo.hasPreviousPage
    }
    expect(backwards).toEqual(whole.nodes)
  }
})

test('the history of a disk can be watched on from its page', async () => {
  await using app = await startTestApp()
  const disk = await withHistory(app)
  const { streamCursor } = await page(app, disk.id)
  await app.snapshot(disk, { name: 'next' })

  const watch = `subscription ($after: String) { snapshotTransitions(after: $after) { ${COMMON} ${OF_SNAPSHOT} } }`
  const watchDisk = `subscription ($after: String) { diskTransitions(after: $after) { ${COMMON} ${OF_DISK} } }`
  const first = async (query: string) => {
    for await (const { data, errors } of app.sse(query, { after: streamCursor })) {
      if (errors) throw new Error(JSON.stringify(errors))
      return Object.values(data as object)[0] as Record<string, unknown>
    }
    throw new Error('The stream ended.')
  }
  const nodes = [await first(watch), await first(watchDisk)]
  expect(nodes).toEqual((await page(app, disk.id, { first: 2 })).nodes)
})

test('the history of a disk goes back as far as the log is kept', async () => {
  await using app = await startTestApp()
  const disk = await withHistory(app)
  await app.heldSnapshots(disk, 1)
  for (const log of [app.transitions, app.diskTransitions])
    await log.prune({ before: new Date(Date.now() + 60_000), keep: 0 })

  expect(lines(await page(app, disk.id))).toEqual([LINES[0], LINES[3]])
})

test('a cursor of another list is no cursor of a history', async () => {
  await using app = await startTestApp()
  const disk = await withHistory(app)
  const { data } = await app.graphql('{ disks { pageInfo { endCursor } } }')

  const { errors } = await app.graphql(HISTORY, { id: disk.id, after: data.disks.pageInfo.endCursor })

  expect(errors).toMatchObject([{ extensions: { code: 'BAD_USER_INPUT' }, path: ['disk', 'history'] }])
})
