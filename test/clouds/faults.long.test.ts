import { inspect } from 'node:util'
import { describe, expect, test } from 'vitest'
import { mayFollow } from '../../src/domain/lifecycle.ts'
import { mayFollowUpstream } from '../../src/domain/upstream.ts'
import { CLOUD_NAMES, SECRETS, startCloudGateway, type CloudGateway } from '../support/cloud-gateway.ts'
import type { FakeDisk, FakeSnapshot, Faults } from '../support/fake-cloud/engine.ts'

const RUNS = 500

const CREATE = `mutation ($diskId: ID!) { answer: createSnapshot(input: { diskId: $diskId, name: "mine" }) {
  ... on CreateSnapshotPayload { snapshot { id } } ... on UserError { code message } ... on UpstreamRefused { snapshotId } } }`
const DELETE = `mutation ($id: ID!) { answer: deleteSnapshot(input: { snapshotId: $id }) { __typename } }`
const RENAME = `mutation ($id: ID!, $name: String!) {
  answer: updateSnapshot(input: { snapshotId: $id, name: $name }) { __typename ... on UserError { message } } }`

/** Changes what goes wrong, by chance. Lists lack rows only when `mayLack`. */
function stir({ cloud, words }: CloudGateway, disks: readonly FakeDisk[], mayLack: boolean): void {
  const { dice, faults } = cloud
  const maybe = (probability: number) => dice.happens(probability)
  const everything: (Faults['everything'] | undefined)[] = [
    { status: 503, body: '<h1>Service Unavailable</h1>' },
    { status: 200, body: '<h1>Maintenance</h1>' },
    { status: 500, body: '' },
  ]
  faults.everything = maybe(0.2) ? dice.pick(everything) : undefined
  faults.nextWriteLost = maybe(0.4) ? dice.pick(['CUT', '500'] as const) : undefined
  faults.nextWriteFails = maybe(0.2)
  faults.messyLists = maybe(0.5)
  faults.nextMarkerRefused = maybe(0.2)
  faults.emptyLists = mayLack && maybe(0.1)
  faults.listsLack = mayLack && maybe(0.3) ? 0.3 : 0
  faults.visibleAfterMs = dice.pick([0, 0, 5_000, 50_000])
  faults.tokensForgotten = maybe(0.5)
  faults.nextTokenRefused = maybe(0.2)
  faults.createsFailLater = maybe(0.2)
  faults.stuck = maybe(0.1)
  faults.clockAheadMs = maybe(0.05) ? dice.pick([-600_000, 3_600_000]) : 0
  cloud.pageSize = dice.pick([1, 2, 1_000])
  for (const disk of disks)
    disk.status = dice.pick([words.free, words.free, words.inUse, words.busy, 'unheard of'])
}

function calm({ cloud, words }: CloudGateway, disks: readonly FakeDisk[]): void {
  for (const fault of Object.keys(cloud.faults)) Reflect.deleteProperty(cloud.faults, fault)
  cloud.pageSize = 1_000
  for (const disk of disks) disk.status = words.free
}

/** The snapshots that carry the mark of a request, deleted ones too. */
const made = ({ cloud }: CloudGateway, id: string): FakeSnapshot[] =>
  [...cloud.snapshots.values()].filter(({ description, metadata }) =>
    JSON.stringify([description, metadata]).includes(id),
  )

describe.each(CLOUD_NAMES)('%s', (name) => {
  test(`in ${RUNS} runs of faults, each accepted create is one snapshot or FAILED, and rows are as the cloud is soon after`, async () => {
    await using gateway = await startCloudGateway(name, { CLOUD_ANSWER_MS: '1000', METRICS: '127.0.0.1:0' })
    const { app, cloud } = gateway
    const { dice } = cloud
    const disks = [gateway.disk(), gateway.disk()]
    await gateway.poll()
    const ids = await Promise.all(disks.map(async ({ id }) => (await gateway.diskRow(id))?.id ?? ''))
    const answers: unknown[] = []
    const ask = async (text: string, variables: Record<string, unknown>) => {
      const { data, errors } = await app.graphql(text, variables)
      answers.push(data, errors)
      return errors ? undefined : data.answer
    }
    const seen = { accepted: 0, refused: 0, deleted: 0 }

    async function act(accepted: Set<string>): Promise<void> {
      const [row] = await app.db.snapshot.findMany({
        where: { status: 'COMPLETED' },
        skip: dice.below(3),
        take: 1,
      })
      // What somebody deletes before its request was answered is made again: nothing tells that it was there.
      const known = new Set((await app.db.snapshot.findMany()).map(({ externalId }) => externalId))
      const adopted = [...cloud.snapshots.values()].filter((one) => known.has(one.id))
      const upstream = adopted.length > 0 ? dice.pick(adopted) : undefined
      const what = dice.below(6)
      if (what < 2) {
        const answer = await ask(CREATE, { diskId: dice.pick(ids) })
        const id = answer?.snapshot?.id ?? answer?.snapshotId
        if (id) accepted.add(id)
      } else if (what === 2 && row) await ask(DELETE, { id: row.id })
      else if (what === 3 && row) await ask(RENAME, { id: row.id, name: `name-${dice.below(1_000)}` })
      else if (what === 4) gateway.outside(dice.pick(disks).id, { name: 'theirs' })
      else if (upstream && cloud.stage(upstream) !== 'CREATING') upstream.deleted = true
    }

    for (let run = 1; run <= RUNS; run++) {
      const accepted = new Set<string>()
      for (let step = 0; step < 4; step++) {
        // What was made is looked for in a list: one that lacks it for more than a minute leads to a second snapshot.
        const lost = await app.db.job.count({ where: { kind: 'COPY_SNAPSHOT', sentAt: { not: null } } })
        stir(gateway, disks, lost === 0)
        await act(accepted)
        if ((await app.db.snapshot.count({ where: { status: 'CREATING', externalId: null } })) > 0)
          Object.assign(cloud.faults, { emptyLists: false, listsLack: 0 })
        await gateway.poll(dice.below(30_000))
      }
      calm(gateway, disks)
      // The longest wait for an answer that was lost, and for a retry.
      for (let pass = 0; pass < 4; pass++) await gateway.poll(61_000)

      for (const id of accepted) {
        const row = await app.db.snapshot.findUnique({ where: { id } })
        const count = made(gateway, id).length
        const isFailed = row?.status === 'FAILED' && row.externalId === null
        expect([run, id, count]).toEqual([run, id, isFailed ? 0 : 1])
        seen[isFailed ? 'refused' : 'accepted']++
      }
      const there = [...cloud.snapshots.values()].filter(({ deleted }) => !deleted)
      const rows = await app.db.snapshot.findMany({ where: { externalId: { not: null } } })
      const shown = rows.map(({ externalId, status, name: called }) => [externalId, status, called])
      const statuses = { CREATING: 'CREATING', DONE: 'COMPLETED', FAILED: 'FAILED' }
      expect([run, shown.toSorted()]).toEqual([
        run,
        there.map((one) => [one.id, statuses[cloud.stage(one)], one.name]).toSorted(),
      ])
      expect((await app.db.disk.findMany()).map(({ status }) => status)).toEqual(['UNMOUNTED', 'UNMOUNTED'])
      expect(await app.db.job.count()).toBe(0)
      // What exists stays few.
      for (const one of there.slice(4)) one.deleted = true
      seen.deleted += Math.max(0, there.length - 4)
    }

    const steps = await app.db.snapshotTransition.findMany({ orderBy: { position: 'asc' } })
    for (const own of Map.groupBy(steps, ({ snapshotId }) => snapshotId).values())
      for (const [at, { from, to }] of own.entries()) {
        expect(from).toBe(own[at - 1]?.to ?? null)
        expect([from, to, mayFollow(from, to) || mayFollowUpstream(from, to)]).toEqual([from, to, true])
      }
    const metrics = await (await fetch(app.metricsUrl ?? '')).text()
    expect(metrics).toContain(`provider="${name}"`)
    const rows = [steps, await app.db.activity.findMany(), await app.db.snapshot.findMany()]
    for (const secret of SECRETS)
      for (const shown of [
        JSON.stringify(answers),
        metrics,
        inspect(rows, { depth: 9, maxArrayLength: null }),
      ])
        expect(shown).not.toContain(secret)
    // All ends were seen, or the runs show nothing.
    expect(seen.accepted).toBeGreaterThan(RUNS / 2)
    expect(seen.refused).toBeGreaterThan(0)
    expect(seen.deleted).toBeGreaterThan(0)
  }, 900_000)
})
