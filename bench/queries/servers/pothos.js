import SchemaBuilder from '@pothos/core'
import PrismaPlugin from '@pothos/plugin-prisma'
import RelayPlugin from '@pothos/plugin-relay'
import { DateTimeResolver } from 'graphql-scalars'
import { DISK_STATUSES } from '../../../src/domain/disk.ts'
import { SNAPSHOT_STATUSES } from '../../../src/domain/snapshot.ts'
import { ACCOUNT } from '../operations.ts'
import { createWith } from './prisma.ts'
import { GIB } from './schema.ts'

const scalar = (name, type) => ({
  name,
  type,
  kind: 'scalar',
  isList: false,
  isRequired: true,
  hasDefaultValue: false,
  isUnique: false,
  isId: name === 'id',
})
const scalars = [
  scalar('id', 'String'),
  scalar('name', 'String'),
  scalar('kind', 'String'),
  scalar('status', 'String'),
  scalar('sizeBytes', 'BigInt'),
  scalar('createdAt', 'DateTime'),
]
const model = { primaryKey: null, uniqueIndexes: [] }
const DATAMODEL = {
  datamodel: {
    models: {
      Disk: {
        ...model,
        fields: [
          ...scalars,
          {
            ...scalar('snapshots', 'Snapshot'),
            kind: 'object',
            isList: true,
            relationName: 'DiskToSnapshot',
            relationFromFields: [],
          },
        ],
      },
      Snapshot: { ...model, fields: scalars },
    },
  },
}

/** Yoga's usual companion, with its Prisma and Relay plugins. */
export function pothosSchema(prisma) {
  const builder = new SchemaBuilder({
    plugins: [PrismaPlugin, RelayPlugin],
    defaultFieldNullability: false,
    prisma: { client: prisma, dmmf: DATAMODEL },
    relay: { nodesOnConnection: true, clientMutationId: 'omit' },
  })
  builder.addScalarType('DateTime', DateTimeResolver)
  const DiskKind = builder.enumType('DiskKind', { values: ['SYSTEM', 'DATA'] })
  const DiskStatus = builder.enumType('DiskStatus', { values: DISK_STATUSES })
  const SnapshotStatus = builder.enumType('SnapshotStatus', { values: SNAPSHOT_STATUSES })

  builder.prismaObject('Disk', {
    fields: (t) => ({
      id: t.exposeID('id'),
      name: t.exposeString('name'),
      kind: t.expose('kind', { type: DiskKind }),
      status: t.expose('status', { type: DiskStatus }),
      sizeGiB: t.float({ resolve: ({ sizeBytes }) => Number(sizeBytes) / GIB }),
      createdAt: t.expose('createdAt', { type: 'DateTime' }),
      snapshots: t.relatedConnection('snapshots', {
        cursor: 'id',
        query: { orderBy: [{ createdAt: 'desc' }, { id: 'desc' }] },
      }),
    }),
  })
  const SnapshotRef = builder.prismaObject('Snapshot', {
    fields: (t) => ({
      id: t.exposeID('id'),
      name: t.exposeString('name'),
      status: t.expose('status', { type: SnapshotStatus }),
      sizeGiB: t.float({ resolve: ({ sizeBytes }) => Number(sizeBytes) / GIB }),
      createdAt: t.expose('createdAt', { type: 'DateTime' }),
    }),
  })
  const StatusFilter = builder.inputType('SnapshotStatusFilter', {
    fields: (t) => ({ eq: t.field({ type: SnapshotStatus }) }),
  })
  const Filter = builder.inputType('SnapshotFilter', {
    fields: (t) => ({ status: t.field({ type: StatusFilter }) }),
  })
  builder.queryType({
    fields: (t) => ({
      disk: t.prismaField({
        type: 'Disk',
        nullable: true,
        args: { id: t.arg.id({ required: true }) },
        resolve: (query, _root, { id }) =>
          prisma.disk.findFirst({ ...query, where: { id, accountId: ACCOUNT } }),
      }),
      disks: t.prismaConnection({
        type: 'Disk',
        cursor: 'id',
        resolve: (query) =>
          prisma.disk.findMany({
            ...query,
            where: { accountId: ACCOUNT },
            orderBy: [{ name: 'asc' }, { id: 'asc' }],
          }),
      }),
      snapshots: t.prismaConnection({
        type: 'Snapshot',
        cursor: 'id',
        args: { filter: t.arg({ type: Filter }) },
        resolve: (query, _root, { filter }) =>
          prisma.snapshot.findMany({
            ...query,
            where: { accountId: ACCOUNT, status: filter?.status?.eq ?? undefined },
            orderBy: [{ createdAt: 'desc' }, { id: 'desc' }],
          }),
      }),
    }),
  })

  const UserError = builder.interfaceRef('UserError').implement({
    fields: (t) => ({ code: t.exposeString('code'), message: t.exposeString('message') }),
  })
  const DiskNotFound = builder
    .objectRef('DiskNotFound')
    .implement({ interfaces: [UserError], isTypeOf: (value) => 'code' in value })
  const Payload = builder.objectRef('CreateSnapshotPayload').implement({
    isTypeOf: (value) => 'snapshot' in value,
    fields: (t) => ({ snapshot: t.expose('snapshot', { type: SnapshotRef }) }),
  })
  const Result = builder.unionType('CreateSnapshotResult', { types: [Payload, DiskNotFound] })
  const Input = builder.inputType('CreateSnapshotInput', {
    fields: (t) => ({ diskId: t.id({ required: true }), name: t.string({ required: true }) }),
  })
  builder.mutationType({
    fields: (t) => ({
      createSnapshot: t.field({
        type: Result,
        args: { input: t.arg({ type: Input, required: true }) },
        resolve: async (_root, { input }) => ({
          snapshot: await createWith(prisma, input.diskId, input.name),
        }),
      }),
    }),
  })
  return builder.toSchema()
}
