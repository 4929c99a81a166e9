import { createServer, type Server } from 'node:http'
import { createSchema, createYoga } from 'graphql-yoga'

/** The subgraph of another team: releases, each with the snapshot that was taken before it. */
export const RELEASES = /* GraphQL */ `
  extend schema @link(url: "https://specs.apollo.dev/federation/v2.3", import: ["@key"])

  type Query {
    releases(snapshotIds: [ID!]!): [Release!]!
  }

  type Release {
    version: String!
    snapshot: Snapshot
  }

  type Snapshot @key(fields: "id") {
    id: ID!
    releaseNotes: String!
  }
`

/** What a subgraph answers a federating gateway, beside its own fields. */
const FEDERATION = /* GraphQL */ `
  directive @link(url: String!, import: [String!]) on SCHEMA
  directive @key(fields: String!) on OBJECT
  scalar _Any
  union _Entity = Snapshot
  extend type Query {
    _entities(representations: [_Any!]!): [_Entity]!
  }
`

const schema = createSchema({
  typeDefs: [RELEASES, FEDERATION],
  resolvers: {
    Query: {
      releases: (_root, { snapshotIds }: { snapshotIds: string[] }) =>
        snapshotIds.map((id, index) => ({ version: `1.${index}`, snapshot: { id } })),
      _entities: (_root, { representations }: { representations: { id: string }[] }) => representations,
    },
    _Entity: { __resolveType: () => 'Snapshot' },
    Snapshot: { releaseNotes: ({ id }: { id: string }) => `Before this release: ${id}.` },
  },
})

export function releases(): Server {
  const yoga = createYoga({ schema, logging: false })
  return createServer((request, response) => void yoga(request, response))
}
