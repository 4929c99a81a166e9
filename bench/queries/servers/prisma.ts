import { PrismaBetterSqlite3 } from '@prisma/adapter-better-sqlite3'
import { DateTimeResolver } from 'graphql-scalars'
import {
  PrismaClient,
  type Disk,
  type Snapshot,
  type SnapshotStatus,
} from '../../../src/generated/prisma/client.ts'
import { ACCOUNT, TAG } from '../operations.ts'
import { GIB } from './schema.ts'
import { newSnapshotId } from './raw.ts'

/** A client as its documentation has it, durable like the others. */
export async function openPrisma(path: string): Promise<PrismaClient> {
  const prisma = new PrismaClient({
    adapter: new PrismaBetterSqlite3({ url: path, timeout: 20_000 }),
    transactionOptions: { maxWait: 60_000, timeout: 60_000 },
  })
  await prisma.$queryRaw`PRAGMA journal_mode = WAL`
  await prisma.$queryRaw`PRAGMA synchronous = FULL`
  return prisma
}

const NEWEST_FIRST = [{ createdAt: 'desc' as const }, { id: 'desc' as const }]
const BY_NAME = [{ name: 'asc' as const }, { id: 'asc' as const }]

function page<Row>(rows: Row[], first: number) {
  return { nodes: rows.slice(0, first), pageInfo: { hasNextPage: rows.length > first } }
}

/** Claim, count, insert, append: in one interactive transaction. */
export function createWith(prisma: PrismaClient, diskId: string, name: string): Promise<Snapshot> {
  return prisma.$transaction(async (tx) => {
    const { count } = await tx.disk.updateMany({
      where: { id: diskId, accountId: ACCOUNT, kind: 'DATA', status: { in: ['IN_USE', 'UNMOUNTED'] } },
      data: { status: 'SNAPSHOTTING' },
    })
    if (count === 0) throw new Error('The disk cannot take a snapshot.')
    const held = await tx.snapshot.count({
      where: {
        diskId,
        type: 'MANUAL',
        status: { in: ['CREATING', 'COMPLETED', 'UNAVAILABLE', 'DELETING'] },
      },
    })
    if (held >= 256) throw new Error('The quota is exceeded.')
    const disk = await tx.disk.findUniqueOrThrow({ where: { id: diskId } })
    const createdAt = new Date()
    const snapshot = await tx.snapshot.create({
      data: {
        id: newSnapshotId(),
        accountId: ACCOUNT,
        diskId,
        diskKind: 'DATA',
        name,
        type: 'MANUAL',
        status: 'CREATING',
        sizeBytes: disk.sizeBytes,
        consistency: 'CLEAN',
        createdAt,
      },
    })
    const ofAccount = { where: { accountId: ACCOUNT }, _max: { sequence: true } } as const
    const next = ({ _max }: { _max: { sequence: number | null } }) => ({
      accountId: ACCOUNT,
      sequence: (_max.sequence ?? 0) + 1,
      tag: TAG,
    })
    const snapshotHead = next(await tx.snapshotTransition.aggregate(ofAccount))
    await tx.snapshotTransition.create({
      data: { ...snapshotHead, snapshotId: snapshot.id, diskId, to: 'CREATING', at: createdAt },
    })
    const diskHead = next(await tx.diskTransition.aggregate(ofAccount))
    await tx.diskTransition.create({
      data: { ...diskHead, diskId, from: 'UNMOUNTED', to: 'SNAPSHOTTING', at: createdAt },
    })
    await tx.job.create({
      data: { accountId: ACCOUNT, kind: 'COPY_SNAPSHOT', snapshotId: snapshot.id, diskId, createdAt },
    })
    return snapshot
  })
}

/** Resolvers as Prisma's documentation has them: relations by the fluent API, which it batches. */
export function prismaResolvers(prisma: PrismaClient) {
  const sizeGiB = ({ sizeBytes }: { sizeBytes: bigint }) => Number(sizeBytes) / GIB
  return {
    DateTime: DateTimeResolver,
    Disk: {
      sizeGiB,
      snapshots: async ({ id }: Disk, { first }: { first: number }) =>
        page(
          (await prisma.disk
            .findUnique({ where: { id } })
            .snapshots({ orderBy: NEWEST_FIRST, take: first + 1 })) ?? [],
          first,
        ),
    },
    Snapshot: { sizeGiB },
    Query: {
      disk: (_root: unknown, { id }: { id: string }) =>
        prisma.disk.findFirst({ where: { id, accountId: ACCOUNT } }),
      disks: async (_root: unknown, { first }: { first: number }) =>
        page(
          await prisma.disk.findMany({ where: { accountId: ACCOUNT }, orderBy: BY_NAME, take: first + 1 }),
          first,
        ),
      snapshots: async (
        _root: unknown,
        { first, filter }: { first: number; filter: { status: { eq: SnapshotStatus } } },
      ) =>
        page(
          await prisma.snapshot.findMany({
            where: { accountId: ACCOUNT, status: filter.status.eq },
            orderBy: NEWEST_FIRST,
            take: first + 1,
          }),
          first,
        ),
    },
    Mutation: {
      createSnapshot: async (_root: unknown, { input }: { input: { diskId: string; name: string } }) => ({
        __typename: 'CreateSnapshotPayload',
        snapshot: await createWith(prisma, input.diskId, input.name),
      }),
    },
  }
}
