import { describe, expect, test } from 'vitest'
import type { Cloud, SeenSnapshot } from '../../../src/providers/cloud/cloud.ts'
import { CloudFault } from '../../../src/providers/cloud/faults.ts'
import { eachPage, lookForMissing } from '../../../src/providers/cloud/pages.ts'
import { DIALECTS } from '../../support/fake-cloud/clients.ts'
import { FakeCloud } from '../../support/fake-cloud/engine.ts'

const signal = new AbortController().signal
const READS_AT_MOST = 5

/** What a gateway believes that a cloud has, and one pass that brings it up to date. */
function believer(cloud: FakeCloud, client: Cloud) {
  const known = new Map<string, { seen: SeenSnapshot; since: Date }>()
  return {
    known,
    pass: async (): Promise<{ gone: string[] }> => {
      const rowsById = new Map<string, SeenSnapshot>()
      const listed = await eachPage(
        (cursor) => client.listSnapshots(cursor, signal),
        (page) => {
          for (const row of page) rowsById.set(row.externalId, row)
        },
      )
      const rows = [...known].map(([externalId, { since }]) => ({ externalId, since }))
      const read = (externalId: string) => client.readSnapshot(externalId, signal)
      const before = new Date(cloud.now())
      const { gone, found } = await lookForMissing(listed, rows, read, { before, most: READS_AT_MOST })
      for (const seen of [...rowsById.values(), ...found]) {
        const since = known.get(seen.externalId)?.since ?? new Date(cloud.now())
        known.set(seen.externalId, { seen, since })
      }
      for (const id of gone) known.delete(id)
      return { gone }
    },
  }
}

const RUNS = 100

describe.each(Object.entries(DIALECTS))('lists of %s', (_name, { prefix, free, client: clientOf }) => {
  test(`in ${RUNS} runs, nothing that is there is believed gone, and two passes after the faults end all is known`, async () => {
    for (let seed = 1; seed <= RUNS; seed++) {
      const cloud = new FakeCloud(seed)
      const client = clientOf(cloud)
      const { dice, faults } = cloud
      const { id: diskId } = cloud.disk(prefix, free)
      const { known, pass } = believer(cloud, client)
      for (let step = 0; step < 15; step++) {
        if (dice.happens(0.6)) cloud.snapshot('s', diskId)
        const there = cloud.snapshotsOf(diskId)
        if (there.length > 0 && dice.happens(0.2)) dice.pick(there).deleted = true
        faults.messyLists = dice.happens(0.5)
        faults.nextMarkerRefused = dice.happens(0.3)
        faults.emptyLists = dice.happens(0.2)
        faults.listsLack = dice.pick([0, 0, 0.1, 0.5])
        faults.everything = dice.happens(0.1) ? { status: 503, body: '' } : undefined
        cloud.pageSize = dice.pick([1, 2, 3, 1_000])
        const { gone } = await pass().catch((error: unknown) => {
          if (error instanceof CloudFault) return { gone: [] }
          throw error
        })
        const still = cloud.snapshotsOf(diskId).map(({ id }) => id)
        expect([seed, gone.filter((id) => still.includes(id))]).toEqual([seed, []])
        cloud.advance(1_000)
      }
      for (const fault of Object.keys(faults)) Reflect.deleteProperty(faults, fault)
      // Each pass reads some of what is gone; there were few.
      for (let passes = 0; passes < 2; passes++) await pass()
      const ids = cloud.snapshotsOf(diskId).map(({ id }) => id)
      expect([seed, [...known.keys()].sort()]).toEqual([seed, ids.sort()])
    }
  })

  test('an empty list proves nothing, and has a bounded number of reads', async () => {
    const cloud = new FakeCloud()
    const { id: diskId } = cloud.disk(prefix, free)
    for (let count = 0; count < 20; count++) cloud.snapshot('s', diskId)
    const { known, pass } = believer(cloud, clientOf(cloud))
    await pass()
    cloud.advance(1_000)
    cloud.faults.emptyLists = true
    const before = cloud.calls.length
    expect(await pass()).toEqual({ gone: [] })
    expect(known.size).toBe(20)
    expect(cloud.calls.length - before).toBe(1 + READS_AT_MOST)
  })

  test('what was just made is not looked for, as it may not be visible yet', async () => {
    const cloud = new FakeCloud()
    cloud.disk(prefix, free)
    const client = clientOf(cloud)
    const read = (externalId: string) => client.readSnapshot(externalId, signal)
    const at = new Date(cloud.now())
    const known = [{ externalId: 's-new', since: at }]
    const look = (before: Date) => lookForMissing(new Set(), known, read, { before, most: 10 })
    expect(await look(at)).toEqual({ gone: [], found: [] })
    expect(await look(new Date(at.getTime() + 1))).toEqual({ gone: ['s-new'], found: [] })
  })
})
