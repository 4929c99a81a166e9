import {
  readPolicies,
  readPolicyIds,
  UPSTREAM_POLICIES_MAX,
  type UpstreamPolicy as Policy,
} from '../../domain/upstream-policy.ts'
import { DISK_ORDERS } from '../../reads/reads.ts'
import { builder } from '../builder.ts'
import { connect } from '../connection.ts'
import { costing, POINT, READ, rowHints } from '../hints.ts'
import { DiskConnection, DiskOrder, DISKS_BY_NAME } from './disk.ts'
import { Connection, Disk } from './nodes.ts'

const UpstreamPolicy = builder.objectRef<Policy & { connectionId: string }>('UpstreamPolicy').implement({
  description:
    'An automatic snapshot policy that a cloud runs by itself, as it was at `syncedAt` of its connection. It is changed in ' +
    'the cloud only; its snapshots have the origin UPSTREAM_POLICY.',
  fields: (t) => ({
    id: t.exposeID('id', { description: "The cloud's own id, such as `asp-…`. It is no global id." }),
    name: t.exposeString('name', { description: 'Its name.' }),
    status: t.exposeString('status', {
      description: "The cloud's own word for its status, such as `active`.",
    }),
    timePoints: t.exposeIntList('timePoints', {
      description: 'Hours of its runs, 0–23, ascending. Baidu AI Cloud does not say in which time zone.',
    }),
    repeatWeekdays: t.exposeIntList('repeatWeekdays', {
      description:
        'Weekdays of its runs, ascending, as the cloud numbers them. Baidu AI Cloud documents 0 as Sunday in one place and as ' +
        'Monday in another.',
    }),
    retentionDays: t.exposeInt('retentionDays', {
      nullable: true,
      description: 'Retention of its snapshots, in days; null if they do not expire.',
    }),
    createdAt: t.expose('createdAt', {
      type: 'DateTime',
      nullable: true,
      description: 'Time of creation, by the clock of the cloud; null if it does not say.',
    }),
    changedAt: t.expose('changedAt', {
      type: 'DateTime',
      nullable: true,
      description: 'Time of the last change, by the clock of the cloud; null if it does not say.',
    }),
    ranAt: t.expose('ranAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When the cloud last ran it; null if it has not, or does not say.',
    }),
    disks: t.connection(
      {
        // Disks are looked at that are linked to none.
        ...costing(100 * POINT),
        type: Disk,
        description: 'The disks that the cloud links to it. Default order: by name.',
        args: {
          orderBy: t.arg({ type: DiskOrder, defaultValue: DISKS_BY_NAME, description: 'Sort order.' }),
        },
        resolve: ({ id, connectionId }, args, context, info) =>
          connect(
            context.reads.disksOfUpstreamPolicy(connectionId, id),
            DISK_ORDERS,
            args.orderBy ?? DISKS_BY_NAME,
            args,
            context,
            info,
          ),
      },
      DiskConnection,
    ),
  }),
})

builder.objectField(Connection, 'upstreamPolicies', (t) =>
  t.field({
    ...costing(READ, 20),
    type: [UpstreamPolicy],
    description:
      `The automatic snapshot policies that its cloud runs, the first ${UPSTREAM_POLICIES_MAX} by name, as they were at ` +
      '`syncedAt`. OpenStack has none.',
    resolve: ({ id, policies }) => readPolicies(policies).map((policy) => ({ ...policy, connectionId: id })),
  }),
)

builder.objectField(Disk, 'upstreamPolicies', (t) =>
  t.field({
    ...rowHints({ reads: ['connectionId', 'upstreamPolicyIds'], costs: READ, entries: 2 }),
    type: [UpstreamPolicy],
    description:
      'The automatic snapshot policies of its cloud that the cloud links it to, by name. The one of the gateway is ' +
      '`autoSnapshotPolicy`.',
    resolve({ connectionId, upstreamPolicyIds }, _args, { reads }) {
      const ids = readPolicyIds(upstreamPolicyIds)
      if (connectionId === null || ids.length === 0) return []
      return readPolicies(reads.connection(connectionId)?.policies ?? null)
        .filter(({ id }) => ids.includes(id))
        .map((policy) => ({ ...policy, connectionId }))
    },
  }),
)
