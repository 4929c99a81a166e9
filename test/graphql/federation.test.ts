import { composeServices } from '@theguild/federation-composition'
import { parse } from 'graphql'
import { expect, test } from 'vitest'
import { ENTITIES } from '../../src/graphql/types/federation.ts'
import { startTestApp } from '../support/app.ts'

const ENTITIES_QUERY = `query ($representations: [_Any!]!) {
  _entities(representations: $representations) { __typename ... on Disk { id name } ... on Snapshot { id status } }
}`

test('_entities gives each object of the account, and null for an id that is malformed, missing or foreign', async () => {
  await using app = await startTestApp()
  const disk = await app.disk()
  const snapshot = await app.snapshot(disk)
  const [own, stranger] = [await app.token('ADMIN'), await app.token('ADMIN', 'other')]
  const representations = [
    { __typename: 'Disk', id: disk.id },
    { __typename: 'Snapshot', id: snapshot, status: 'FAILED' },
    { __typename: 'Disk', id: disk.id },
    { __typename: 'Disk', id: snapshot },
    { __typename: 'Disk', id: 'v-none00000' },
    { __typename: 'Disk', id: 'disk-1' },
    { __typename: 'Disk', id: 7 },
    { __typename: 'Disk' },
    { __typename: 'Account', id: app.viewer.accountId },
    { __typename: 'constructor', id: disk.id },
    { __typename: ['Disk'], id: disk.id },
    {},
  ]
  const found = { __typename: 'Disk', id: disk.id, name: disk.name }

  // The second time it is compiled, and then kept.
  for (let i = 0; i < 3; i++) {
    expect((await own.graphql(ENTITIES_QUERY, { representations })).data).toEqual({
      _entities: [
        found,
        { __typename: 'Snapshot', id: snapshot, status: 'CREATING' },
        found,
        ...representations.slice(3).map(() => null),
      ],
    })
    expect((await stranger.graphql(ENTITIES_QUERY, { representations })).data).toEqual({
      _entities: representations.map(() => null),
    })
  }
  const literal = `query ($id: ID!) {
    _entities(representations: [{ __typename: "Disk", id: "${disk.id}" }, { __typename: "Disk", id: $id }, { id: 7 }]) {
      ... on Disk { name }
    }
  }`
  expect((await own.graphql(literal, { id: disk.id })).data).toEqual({
    _entities: [{ name: disk.name }, { name: disk.name }, null],
  })
})

test('each representation is charged, and there is a limit to them', async () => {
  await using app = await startTestApp()
  const many = (count: number) =>
    Array.from({ length: count }, () => ({ __typename: 'Disk', id: 'v-none00000' }))
  const costOf = async (count: number) => {
    const { data, headers } = await app.graphql(ENTITIES_QUERY, { representations: many(count) })
    expect(data._entities).toHaveLength(count)
    return Number(headers.get('x-query-cost'))
  }

  expect(await costOf(100)).toBeGreaterThan(9.5 * (await costOf(10)))
  await costOf(1_000)
  expect((await app.graphql(ENTITIES_QUERY, { representations: many(1_001) })).errors).toMatchObject([
    {
      message: 'representations has 1001 entries; at most 1000 are allowed.',
      extensions: { code: 'BAD_USER_INPUT' },
    },
  ])
  for (const representation of ['Disk', null, ['Disk']])
    expect((await app.graphql(ENTITIES_QUERY, { representations: [representation] })).errors).toMatchObject([
      { extensions: { code: 'BAD_USER_INPUT' } },
    ])
})

test('_service has what composition needs, for those who may introspect', async () => {
  await using app = await startTestApp({ INTROSPECTION: 'false' })
  const [admin, viewer] = [await app.token('ADMIN'), await app.token('VIEWER')]
  const QUERY = '{ _service { sdl } }'

  expect((await viewer.graphql(QUERY)).errors).toMatchObject([
    {
      message: 'Introspection requires the role ADMIN: _service is not available.',
      extensions: { code: 'INTROSPECTION_DISABLED' },
    },
  ])
  const { data, headers } = await admin.graphql(QUERY)
  const sdl = data._service.sdl as string
  const { errors, supergraphSdl } = composeServices([{ name: 'snapgate', typeDefs: parse(sdl) }])

  expect(errors).toBeUndefined()
  expect(supergraphSdl).toContain('subscription: Subscription')
  expect([...sdl.matchAll(/^type (\w+).* @key\(fields: "id"\)/gm)].map(([, type]) => type)).toEqual(ENTITIES)
  expect(sdl).not.toMatch(/\b_(entities|service|Any|Entity|Service)\b/)
  expect(Number(headers.get('x-query-cost'))).toBeGreaterThanOrEqual(200)
  const thrice = await admin.graphql('{ a: _service { sdl } b: _service { sdl } c: _service { sdl } }')
  expect(thrice.errors).toMatchObject([{ extensions: { code: 'DOCUMENT_TOO_LARGE' } }])
})
