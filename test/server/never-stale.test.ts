import { expect, test } from 'vitest'
import { startTestApp } from '../support/app.ts'
import { askAndChange } from './never-stale.ts'

test('no answer is older than the database, through 200 random interleavings of changes and questions', async () => {
  await askAndChange(200, 1)
}, 120_000)

test('after a transition is delivered, and after a mutation is answered, no answer is from before it', async () => {
  await using app = await startTestApp()
  const LIST = '{ snapshots { totalCount nodes { id status } } }'
  const statusOf = async (id: string) => {
    const { data } = await app.graphql(LIST)
    const nodes = data.snapshots.nodes as { id: string; status: string }[]
    return nodes.find((node) => node.id === id)?.status
  }
  const events = app.sse('subscription { snapshotTransitions { to snapshotId } }')
  const next = events.next()
  const seen: unknown[] = []
  for (let index = 0; index < 8; index++) {
    const disk = await app.disk({ dataMiB: 0 })
    const id = await app.snapshot(disk)
    seen.push(await statusOf(id), await statusOf(id))
    const ended = app.runner.tick()
    for (const to of ['CREATING', 'COMPLETED']) {
      const { value } = index === 0 && to === 'CREATING' ? await next : await events.next()
      expect(value).toMatchObject({ data: { snapshotTransitions: { to, snapshotId: id } } })
    }
    seen.push(await statusOf(id))
    await ended
  }
  await events.return()

  expect(seen).toEqual(Array.from({ length: 8 }, () => ['CREATING', 'CREATING', 'COMPLETED']).flat())
})
