import { expect, test } from 'vitest'
import { startTestApp } from '../support/app.ts'

const COUNT = 'query ($filter: DiskFilter!) { disks(filter: $filter) { totalCount } }'

test('a bound that is finer than milliseconds is compared as it is, in a variable and in the document', async () => {
  let now = new Date('2026-05-01T00:00:00.000Z')
  await using app = await startTestApp({}, { now: () => now })
  for (const millisecond of ['000', '001', '002']) {
    now = new Date(`2026-05-01T00:00:00.${millisecond}Z`)
    await app.disk()
  }
  const counts = async (time: string) => {
    const found: number[][] = []
    for (const comparison of ['gt', 'gte', 'lt', 'lte']) {
      const { data } = await app.graphql(COUNT, { filter: { createdAt: { [comparison]: time } } })
      const literal = await app.graphql(
        `{ disks(filter: { createdAt: { ${comparison}: "${time}" } }) { totalCount } }`,
      )
      found.push([data.disks.totalCount, literal.data.disks.totalCount])
    }
    return found
  }
  const twice = (...numbers: number[]) => numbers.map((number) => [number, number])

  expect(await counts('2026-05-01T00:00:00.001Z')).toEqual(twice(1, 2, 1, 2))
  expect(await counts('2026-05-01T00:00:00.001000Z')).toEqual(twice(1, 2, 1, 2))
  expect(await counts('2026-05-01T00:00:00.000999Z')).toEqual(twice(2, 2, 1, 1))
  expect(await counts('2026-05-01T00:00:00.001001Z')).toEqual(twice(1, 1, 2, 2))
  expect(await counts('2026-05-01T02:00:00.001000001+02:00')).toEqual(twice(1, 1, 2, 2))
})
