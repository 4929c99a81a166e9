import { describe, expect, test } from 'vitest'
import type { Cloud, CloudAnswer, CloudRefusal, SeenSnapshot } from '../../../src/providers/cloud/cloud.ts'
import { createOnce, GRACE_MS, type Creation } from '../../../src/providers/cloud/create-once.ts'
import { CloudFault } from '../../../src/providers/cloud/faults.ts'
import { DIALECTS } from '../../support/fake-cloud/clients.ts'
import { FakeCloud, type FakeDisk, type Faults } from '../../support/fake-cloud/engine.ts'
import { create } from './contract.ts'

const signal = new AbortController().signal

/** The process that does the work dies. */
class Killed extends Error {}

/** What a gateway keeps in its database about one create, and the work on it. */
function gateway(cloud: FakeCloud, client: Cloud, disk: FakeDisk) {
  const request = create(disk, 'nightly')
  if (request.verb !== 'createSnapshot') throw new Error('not a create')
  const kept: {
    sentAt: Date | null
    end: Extract<Creation, { outcome: 'accepted' | 'refused' }> | null
  } = {
    sentAt: null,
    end: null,
  }
  return {
    kept,
    /** One attempt; `dies` says at which of its commits the process is killed, and whether after or before it. */
    attempt: async (dies: (moment: string) => boolean = () => false): Promise<Creation> => {
      const note = (sentAt: Date | null): Promise<void> => {
        if (dies('before')) throw new Killed()
        kept.sentAt = sentAt
        if (dies('after')) throw new Killed()
        return Promise.resolve()
      }
      const now = () => new Date(cloud.now())
      const outcome = await createOnce(client, request, { sentAt: kept.sentAt, note }, { now, signal })
      if (dies('before')) throw new Killed()
      if (outcome.outcome !== 'unclear') kept.end = outcome
      return outcome
    },
    /** What the cloud has that carries the mark of the request. */
    made: () =>
      [...cloud.snapshots.values()].filter(({ description, metadata }) =>
        JSON.stringify([description, metadata]).includes(request.mark),
      ),
  }
}

/** Changes what goes wrong, by chance. */
function stir(cloud: FakeCloud, disk: FakeDisk, { free, busy }: { free: string; busy: string }): void {
  const { dice, faults } = cloud
  const maybe = (probability: number) => dice.happens(probability)
  const everything: (Faults['everything'] | undefined)[] = [
    { status: 503, body: '<h1>Service Unavailable</h1>' },
    { status: 429, body: '', headers: { 'retry-after': '7' } },
    { status: 200, body: '<h1>Maintenance</h1>' },
    { status: 500, body: '' },
  ]
  faults.everything = maybe(0.2) ? dice.pick(everything) : undefined
  faults.nextWriteLost = maybe(0.4) ? dice.pick(['CUT', '500'] as const) : undefined
  faults.nextWriteFails = maybe(0.2)
  faults.messyLists = maybe(0.5)
  faults.nextMarkerRefused = maybe(0.2)
  faults.visibleAfterMs = dice.pick([0, 0, 5_000, GRACE_MS - 5_000])
  faults.tokensForgotten = maybe(0.5)
  faults.nextTokenRefused = maybe(0.2)
  faults.createsFailLater = maybe(0.2)
  faults.clockAheadMs = maybe(0.1) ? dice.pick([-600_000, 600_000, 3_600_000]) : 0
  cloud.pageSize = dice.pick([1, 2, 1_000])
  disk.status = maybe(0.1) ? busy : free
  // Somebody else's, with the same name.
  if (maybe(0.2)) cloud.snapshot('s', disk.id, { name: 'nightly' })
}

function calm(cloud: FakeCloud, disk: FakeDisk, free: string): void {
  for (const fault of Object.keys(cloud.faults)) Reflect.deleteProperty(cloud.faults, fault)
  cloud.pageSize = 1_000
  disk.status = free
}

const RUNS = 500

describe.each(Object.entries(DIALECTS))('on %s', (_name, dialect) => {
  function start(seed = 1) {
    const cloud = new FakeCloud(seed)
    const client = dialect.client(cloud)
    const disk = cloud.disk(dialect.prefix, dialect.free)
    return { cloud, client, disk, ...gateway(cloud, client, disk) }
  }

  test(`in ${RUNS} runs of faults and kills, an accepted create is one snapshot, and a refused one none`, async () => {
    const ends = { accepted: 0, refused: 0 }
    for (let seed = 1; seed <= RUNS; seed++) {
      const { cloud, disk, kept, attempt, made } = start(seed)
      const { dice } = cloud
      for (let step = 0; step < 40 && !kept.end; step++) {
        if (step < 15) stir(cloud, disk, dialect)
        else calm(cloud, disk, dialect.free)
        const dies = () => step < 15 && dice.happens(0.15)
        await attempt(dies).catch((error: unknown) => {
          if (!(error instanceof Killed) && !(error instanceof CloudFault)) throw error
        })
        cloud.advance(dice.below(30_000))
      }
      const end = kept.end
      const ids = made().map(({ id }) => id)
      expect([seed, end?.outcome, ids]).toEqual([
        seed,
        expect.stringMatching(/^(accepted|refused)$/),
        end?.outcome === 'accepted' ? [end.externalId] : [],
      ])
      if (end) ends[end.outcome]++
    }
    // Both ends were seen, or the runs show nothing.
    expect(ends.accepted).toBeGreaterThan(RUNS / 2)
    expect(ends.refused).toBeGreaterThan(RUNS / 50)
  })

  test('a create whose answer is lost is adopted, and not sent again', async () => {
    const { cloud, attempt, made } = start()
    cloud.faults.nextWriteLost = 'CUT'
    expect(await attempt()).toEqual({
      outcome: 'unclear',
      until: new Date(cloud.now() + GRACE_MS),
    })
    expect(await attempt()).toMatchObject({
      outcome: 'accepted',
      externalId: made()[0]?.id,
      others: [],
    })
    expect(made()).toHaveLength(1)
  })

  test('what is not visible yet is waited for, not made again', async () => {
    const { cloud, attempt, made } = start()
    Object.assign(cloud.faults, {
      nextWriteLost: '500',
      visibleAfterMs: 50_000,
      tokensForgotten: true,
    })
    for (let seconds = 0; seconds < 50; seconds += 10) {
      expect((await attempt()).outcome).toBe('unclear')
      cloud.advance(10_000)
    }
    expect((await attempt()).outcome).toBe('accepted')
    expect(made()).toHaveLength(1)
  })

  test('of two that match the older is adopted, the other is told, and neither is deleted', async () => {
    const { cloud, disk, attempt, made } = start()
    cloud.faults.nextWriteLost = 'CUT'
    await attempt()
    const [first] = made()
    const { description = '', metadata = {} } = first ?? {}
    cloud.advance(1_000)
    const second = cloud.snapshot('s', disk.id, { description, metadata })
    expect(await attempt()).toMatchObject({
      outcome: 'accepted',
      externalId: first?.id,
      others: [{ externalId: second.id }],
    })
    expect(made().filter(({ deleted }) => deleted)).toEqual([])
  })

  test('a cloud that asks to be left alone has done nothing, so the next attempt does not wait for it', async () => {
    const { cloud, kept, attempt } = start()
    cloud.faults.everything = { status: 429, body: '' }
    await expect(attempt()).rejects.toMatchObject({ class: 'THROTTLED' })
    expect(kept.sentAt).toBeNull()
    cloud.faults.everything = undefined
    expect((await attempt()).outcome).toBe('accepted')
  })

  test('a list that loses its place each time is a fault that passes', async () => {
    const { kept, attempt, client, cloud, disk } = start()
    cloud.pageSize = 1
    for (const name of ['a', 'b']) await client.submit(create(disk, name), signal)
    kept.sentAt = new Date(cloud.now())
    Object.defineProperty(cloud.faults, 'nextMarkerRefused', {
      get: () => true,
      set: () => undefined,
    })
    await expect(attempt()).rejects.toMatchObject({
      class: 'PASSING',
      code: 'CURSOR_REFUSED',
    })
  })
})

/** A cloud that gives these answers, one after the other, and notes the tokens that it is asked with. */
function scripted(answers: CloudAnswer[], found: SeenSnapshot[][]) {
  const tokens: string[] = []
  const cloud: Pick<Cloud, 'find' | 'submit'> = {
    find: () => Promise.resolve(found.shift() ?? []),
    submit(request) {
      if ('token' in request) tokens.push(request.token)
      const answer = answers.shift()
      if (!answer) throw new Error('The cloud was asked once too often.')
      return Promise.resolve(answer)
    },
  }
  const request = create(new FakeCloud().disk('v', 'Available'), 'nightly')
  if (request.verb !== 'createSnapshot') throw new Error('not a create')
  const at = new Date('2026-11-27T00:00:00Z')
  const note = () => Promise.resolve()
  const run = (sentAt: Date | null) => createOnce(cloud, request, { sentAt, note }, { now: () => at, signal })
  return {
    tokens,
    first: () => run(null),
    again: () => run(new Date(at.getTime() - GRACE_MS)),
  }
}

const refused = (kind: CloudRefusal['class']): CloudRefusal => ({
  outcome: 'refused',
  class: kind,
  code: 'No',
  message: 'No.',
  requestId: null,
})
const accepted = {
  outcome: 'accepted',
  externalId: 's-1',
  requestId: 'r-1',
} as const

test('a refusal is final, and the cloud is asked once', async () => {
  const { tokens, first } = scripted([refused('QUOTA')], [])
  expect(await first()).toMatchObject({ outcome: 'refused', class: 'QUOTA' })
  expect(tokens).toEqual(['token-nightly'])
})

test('a token that the cloud takes for that of another request is replaced, five times at most', async () => {
  const { tokens, first } = scripted([refused('TOKEN'), refused('TOKEN'), accepted], [])
  expect(await first()).toMatchObject({
    outcome: 'accepted',
    externalId: 's-1',
  })
  expect(tokens).toEqual(['token-nightly', 'token-nightly.2', 'token-nightly.3'])
  const never = scripted(
    Array.from({ length: 5 }, () => refused('TOKEN')),
    [],
  )
  expect(await never.first()).toMatchObject({
    outcome: 'refused',
    class: 'TOKEN',
  })
})

test('a refusal that an earlier attempt explains is not believed', async () => {
  const late = { externalId: 's-late' } as SeenSnapshot
  const { again } = scripted([refused('STATE')], [[], [late]])
  expect(await again()).toMatchObject({
    outcome: 'accepted',
    externalId: 's-late',
  })
  const believed = scripted([refused('STATE')], [[], []])
  expect(await believed.again()).toMatchObject({
    outcome: 'refused',
    class: 'STATE',
  })
})
