import fc from 'fast-check'
import { expect, test } from 'vitest'
import { brokenNameRules } from '../../src/domain/name.ts'
import { startTestApp } from '../support/app.ts'

const anyText = fc.oneof(
  fc.string({ maxLength: 70 }),
  fc.string({ maxLength: 70, unit: 'binary' }),
  fc.string({
    maxLength: 66,
    unit: fc.constantFrom('a', 'Z', '0', '-', '_', ' ', '/', '.', '快', '😀', '\0', '\ud800'),
  }),
)

test('a name is taken exactly when it keeps the rules, and comes back as it was given', async () => {
  await using app = await startTestApp()
  const register = `mutation ($name: String!) {
    createSnapshot(input: { diskId: "v-missing00", name: $name }) { __typename ... on InvalidName { brokenRules } }
  }`

  await fc.assert(
    fc.asyncProperty(anyText, async (name) => {
      const { data, errors } = await app.graphql(register, { name })
      expect(errors).toBeUndefined()
      const rules = brokenNameRules(name)
      expect(data.createSnapshot).toEqual(
        rules.length > 0 ? { __typename: 'InvalidName', brokenRules: rules } : { __typename: 'DiskNotFound' },
      )
    }),
    { numRuns: 200 },
  )
})

test('pages of any size, in any order, from either end, together are the whole list, each entry once', async () => {
  await using app = await startTestApp()
  const disk = await app.disk()
  await app.heldSnapshots(disk, 23)
  const all = async (filter: object, orderBy: object) => {
    const { data } = await app.graphql(
      'query ($f: SnapshotFilter, $o: SnapshotOrder) { snapshots(first: 100, filter: $f, orderBy: $o) { nodes { id } } }',
      { f: filter, o: orderBy },
    )
    return (data.snapshots.nodes as { id: string }[]).map(({ id }) => id)
  }

  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 12 }),
      fc.constantFrom('CREATED_AT', 'NAME', 'SIZE'),
      fc.constantFrom('ASC', 'DESC'),
      fc.boolean(),
      fc.constantFrom('', 'held-1', '2', 'nothing'),
      async (size, field, direction, isForward, contains) => {
        const [o, f] = [{ field, direction }, { name: { contains } }]
        const whole = await all(f, o)
        const seen: string[] = []
        let cursor: string | null = null
        for (;;) {
          const page = isForward ? 'first: $n, after: $c' : 'last: $n, before: $c'
          const { data, errors } = await app.graphql(
            `query ($n: Int, $c: String, $f: SnapshotFilter, $o: SnapshotOrder) { snapshots(${page}, filter: $f, orderBy: $o) { nodes { id } pageInfo { startCursor endCursor hasNextPage hasPreviousPage } } }`,
            { n: size, c: cursor, f, o },
          )
          expect(errors).toBeUndefined()
          const ids = (data.snapshots.nodes as { id: string }[]).map(({ id }) => id)
          const { pageInfo } = data.snapshots
          if (isForward) seen.push(...ids)
          else seen.unshift(...ids)
          if (!(isForward ? pageInfo.hasNextPage : pageInfo.hasPreviousPage)) break
          cursor = isForward ? pageInfo.endCursor : pageInfo.startCursor
        }
        expect(seen).toEqual(whole)
      },
    ),
    { numRuns: 25 },
  )
})

test('any text that is not a cursor of the list is malformed input', async () => {
  await using app = await startTestApp()
  await app.disk()
  const made = fc
    .tuple(
      fc.constantFrom('NAME ASC', 'SIZE ASC', 'x'),
      fc.oneof(anyText, fc.integer(), fc.constant(null)),
      anyText,
    )
    .map((parts) => Buffer.from(JSON.stringify(parts)).toString('base64url'))

  await fc.assert(
    fc.asyncProperty(fc.oneof(anyText, made, fc.base64String()), async (cursor) => {
      const { errors = [] } = await app.graphql('query ($c: String) { disks(after: $c) { nodes { id } } }', {
        c: cursor,
      })
      expect(
        errors.map(({ extensions }) => extensions.code).filter((code) => code !== 'BAD_USER_INPUT'),
      ).toEqual([])
    }),
    { numRuns: 150 },
  )
})

test('a filter finds exactly the matches of any text', async () => {
  await using app = await startTestApp()
  const names = ['alpha', 'Beta_1', 'b%ta', 'A-lpha']
  const there: string[] = []
  for (const name of names.filter((one) => brokenNameRules(one).length === 0)) {
    await app.disk({ name })
    there.push(name)
  }
  const plain = fc.string({
    maxLength: 5,
    unit: fc.constantFrom('a', 'A', 'l', 'B', '_', '%', '-', '1', '\\', '*', '[', 'é'),
  })

  await fc.assert(
    fc.asyncProperty(plain, async (contains) => {
      const { data } = await app.graphql(
        'query ($f: DiskFilter) { disks(filter: $f) { nodes { name } totalCount } }',
        { f: { name: { contains } } },
      )
      const found = (data.disks.nodes as { name: string }[]).map(({ name }) => name)
      const right = there.filter((name) => name.toLowerCase().includes(lowerAscii(contains)))
      expect(found.toSorted()).toEqual(right.toSorted())
      expect(data.disks.totalCount).toBe(right.length)
    }),
    { numRuns: 100 },
  )
})

function lowerAscii(value: string): string {
  return value.replace(/[A-Z]/g, (letter) => letter.toLowerCase())
}
