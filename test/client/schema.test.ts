import { readFile } from 'node:fs/promises'
import { gql, InMemoryCache } from '@apollo/client'
import { possibleTypes, typePolicies } from '@snapgate/client/apollo'
import { keys, resolvers } from '@snapgate/client/urql'
import { Client, fetchExchange } from '@urql/core'
import { cacheExchange } from '@urql/exchange-graphcache'
import {
  getNamedType,
  introspectionFromSchema,
  isAbstractType,
  isObjectType,
  isScalarType,
  type GraphQLField,
  type GraphQLObjectType,
} from 'graphql'
import { expect, test, vi } from 'vitest'
import { schema } from '../../src/graphql/schema.ts'
import { startTestApp } from '../support/app.ts'

const PAGE = `query ($after: String) {
  disks(first: 2, after: $after) {
    nodes { __typename id name kind snapshotQuota { __typename manual { __typename used limit } } }
    pageInfo { __typename hasNextPage endCursor }
  }
}`

test('possibleTypes has every interface and union of the schema', () => {
  const abstract = Object.values(schema.getTypeMap()).filter((type) => isAbstractType(type))

  expect(possibleTypes).toEqual(
    Object.fromEntries(
      abstract
        .filter(({ name }) => !name.startsWith('__'))
        .map((type) => [type.name, schema.getPossibleTypes(type).map(({ name }) => name)]),
    ),
  )
})

const objects = Object.values(schema.getTypeMap()).filter(
  (type) => isObjectType(type) && !type.name.startsWith('__'),
) as GraphQLObjectType[]
const roots = [schema.getQueryType(), schema.getMutationType(), schema.getSubscriptionType()]

/** The fields of the schema whose type has such a name: `Type.field`. */
const fieldsTo = (isMeant: (type: string, field: GraphQLField<unknown, unknown>) => boolean) =>
  objects
    .flatMap((type) =>
      Object.values(type.getFields())
        .filter((field) => isMeant(getNamedType(field.type).name, field))
        .map(({ name }) => `${type.name}.${name}`),
    )
    .toSorted()

test('keys has every type of the schema without an id, and no other', () => {
  const embedded = objects.filter((type) => !roots.includes(type) && !('id' in type.getFields()))

  expect(Object.keys(keys).toSorted()).toEqual(embedded.map(({ name }) => name).toSorted())
})

test('resolvers and typePolicies have every connection of the schema, and resolvers every object by its id', () => {
  const connections = fieldsTo((type) => type.endsWith('Connection'))
  const lookups = fieldsTo(
    (type, { args }) =>
      args.length === 1 &&
      args[0]?.name === 'id' &&
      'id' in (schema.getType(type) as GraphQLObjectType).getFields(),
  ).filter((field) => field.startsWith('Query.') && field !== 'Query.node')

  const resolved = Object.entries(resolvers).flatMap(([type, fields]) =>
    Object.keys(fields ?? {}).map((field) => `${type}.${field}`),
  )
  expect(resolved.toSorted()).toEqual([...connections, ...lookups].toSorted())
  const merged = Object.entries(typePolicies).flatMap(([type, { fields = {} }]) =>
    Object.keys(fields).map((field) => `${type}.${field}`),
  )
  expect(merged.toSorted()).toEqual(connections)
})

test('the types for gql.tada are those of the schema', async () => {
  const introspection = await readFile(
    new URL('../../client/dist/introspection.d.ts', import.meta.url),
    'utf8',
  )

  const named = [...introspection.matchAll(/^ {4}'(\w+)': \{ (?:kind|name): /gm)]
  expect(named.map(([, name]) => name).toSorted()).toEqual(
    Object.values(schema.getTypeMap())
      .filter((type) => !isScalarType(type) && !type.name.startsWith('__'))
      .map(({ name }) => name)
      .toSorted(),
  )
})

test('Graphcache, with the schema to check against, has nothing to warn of: pages become one list, and a disk is read from it', async () => {
  await using app = await startTestApp()
  for (let i = 1; i <= 5; i++) await app.disk({ name: `disk-${i}` })
  const warn = vi.spyOn(console, 'warn')
  const fetches: string[] = []
  const client = new Client({
    url: app.endpoint,
    preferGetMethod: false,
    exchanges: [cacheExchange({ schema: introspectionFromSchema(schema), keys, resolvers }), fetchExchange],
    fetch: (url, init) => {
      fetches.push(init?.body as string)
      return fetch(url, init)
    },
  })

  const first = await client.query(PAGE, {})
  const { endCursor } = first.data.disks.pageInfo
  const both = await client.query(PAGE, { after: endCursor })
  const names = (both.data.disks.nodes as { name: string }[]).map(({ name }) => name)
  expect(names).toEqual(['disk-1', 'disk-2', 'disk-3', 'disk-4'])

  const { id } = both.data.disks.nodes[3]
  const one = await client.query('query ($id: ID!) { disk(id: $id) { id name kind } }', { id })
  expect(one.data.disk.name).toBe('disk-4')
  expect(fetches).toHaveLength(2)
  expect(warn).not.toHaveBeenCalled()
})

test('InMemoryCache reads fragments on interfaces, and pages as one list', () => {
  const cache = new InMemoryCache({ possibleTypes, typePolicies })
  const query = gql`
    query ($first: Int, $after: String) {
      disks(first: $first, after: $after) {
        edges {
          cursor
          node {
            id
            ... on Node {
              id
            }
            ... on Disk {
              name
            }
          }
        }
        pageInfo {
          hasNextPage
          endCursor
          hasPreviousPage
          startCursor
        }
      }
    }
  `
  const page = (from: number, hasNextPage: boolean) => ({
    disks: {
      __typename: 'DiskConnection',
      edges: [from, from + 1].map((n) => ({
        __typename: 'DiskConnectionEdge',
        cursor: `c${n}`,
        node: { __typename: 'Disk', id: `v-${n}`, name: `disk-${n}` },
      })),
      pageInfo: {
        __typename: 'PageInfo',
        hasNextPage,
        endCursor: `c${from + 1}`,
        hasPreviousPage: false,
        startCursor: 'c1',
      },
    },
  })
  cache.writeQuery({ query, variables: { first: 2 }, data: page(1, true) })
  cache.writeQuery({ query, variables: { first: 2, after: 'c2' }, data: page(3, false) })

  const all = cache.readQuery<{ disks: { edges: { node: { name: string } }[] } }>({ query })
  expect(all?.disks.edges.map(({ node }) => node.name)).toEqual(['disk-1', 'disk-2', 'disk-3', 'disk-4'])
})
