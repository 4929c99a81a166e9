import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { GraphQLSchema } from 'graphql'
import type { MercuriusOptions } from 'mercurius'
import type { Target } from '../load.ts'
import { iso, statements, type DiskColumns, type SnapshotColumns } from './raw.ts'
import { listen } from './listen.ts'
import { GIB, TYPES } from './schema.ts'

/** Each as its documentation has it, with nothing loaded that it does not need; none has credentials, limits or logs. */

export async function apollo(path: string): Promise<Target> {
  const { ApolloServer } = await import('@apollo/server')
  const { startStandaloneServer } = await import('@apollo/server/standalone')
  const { openPrisma, prismaResolvers } = await import('./prisma.ts')
  const server = new ApolloServer({ typeDefs: TYPES, resolvers: prismaResolvers(await openPrisma(path)) })
  const { url } = await startStandaloneServer(server, { listen: { port: 0, host: '127.0.0.1' } })
  return { port: Number(new URL(url).port), headers: {} }
}

export async function yogaPothos(path: string): Promise<Target> {
  const { createYoga } = await import('graphql-yoga')
  const { openPrisma } = await import('./prisma.ts')
  // Not in TypeScript: its plugin for Prisma would change the types of every schema builder, the gateway's too.
  const { pothosSchema } = (await import(new URL('pothos.js', import.meta.url).href)) as {
    pothosSchema: (prisma: unknown) => GraphQLSchema
  }
  const yoga = createYoga({ schema: pothosSchema(await openPrisma(path)), logging: false })
  return listen(createServer((request, response) => void yoga(request, response)))
}

export async function mercuriusPrisma(path: string): Promise<Target> {
  const { openPrisma, prismaResolvers } = await import('./prisma.ts')
  return mercuriusWith(prismaResolvers(await openPrisma(path)))
}

export async function mercuriusSql(path: string): Promise<Target> {
  const db = statements(path)
  const sizeGiB = ({ sizeBytes }: { sizeBytes: number }) => sizeBytes / GIB
  const createdAt = (row: { createdAt: string }) => iso(row.createdAt)
  const page = (rows: SnapshotColumns[], first: number) => ({
    nodes: rows.slice(0, first),
    pageInfo: { hasNextPage: rows.length > first },
  })
  return mercuriusWith({
    Disk: {
      sizeGiB,
      createdAt,
      snapshots: ({ id }: DiskColumns, { first }: { first: number }) => page(db.ofDisk(id, first + 1), first),
    },
    Snapshot: { sizeGiB, createdAt },
    Query: {
      disk: (_root: unknown, { id }: { id: string }) => db.disk(id),
      disks: (_root: unknown, { first }: { first: number }) => ({ nodes: db.disks(first) }),
      snapshots: (_root: unknown, { first, filter }: { first: number; filter: { status: { eq: string } } }) =>
        page(db.withStatus(filter.status.eq, first + 1), first),
    },
    Mutation: {
      createSnapshot: (_root: unknown, { input }: { input: { diskId: string; name: string } }) => ({
        __typename: 'CreateSnapshotPayload',
        snapshot: db.create(input.diskId, input.name),
      }),
    },
  })
}

async function mercuriusWith(resolvers: MercuriusOptions['resolvers']): Promise<Target> {
  const { fastify } = await import('fastify')
  const { mercurius } = await import('mercurius')
  const app = fastify()
  await app.register(mercurius, { schema: TYPES, resolvers, jit: 1 } as MercuriusOptions)
  await app.listen({ host: '127.0.0.1', port: 0 })
  return { port: (app.server.address() as AddressInfo).port, headers: {} }
}
