import type { Disk, Snapshot } from '../../generated/prisma/client.ts'
import { builder } from '../builder.ts'
import { COMPARISON_LIMITS } from './filters.ts'

export const SnapshotOrigin = builder.enumType('SnapshotOrigin', {
  description: 'Who had a snapshot created.',
  values: {
    GATEWAY: { description: 'This gateway, by `createSnapshot` or an automatic snapshot policy.' },
    OUTSIDE: { description: 'Somebody else, in the cloud. It counts in the quota, and is never evicted.' },
    UPSTREAM_POLICY: { description: 'An automatic snapshot policy of the cloud. Never evicted here.' },
  },
} as const)

export const SnapshotOriginFilter = builder.inputType('SnapshotOriginFilter', {
  description: 'Compares the origin of a snapshot. All given comparisons must hold.',
  validate: COMPARISON_LIMITS,
  fields: (t) => ({
    eq: t.field({ type: SnapshotOrigin, description: 'Equals this origin.' }),
    in: t.field({ type: [SnapshotOrigin], description: 'Equals one of these origins.' }),
  }),
})

type UpstreamDisk = Pick<Disk, 'rawStatus' | 'upstreamCreatedAt'> & { externalId: string }

export const UpstreamDisk = builder.objectRef<UpstreamDisk>('UpstreamDisk').implement({
  description: 'What the cloud says of a disk, as it was last seen.',
  fields: (t) => ({
    id: t.exposeID('externalId', { description: "The cloud's own id." }),
    status: t.exposeString('rawStatus', {
      nullable: true,
      description: "The cloud's own word for its status.",
    }),
    createdAt: t.expose('upstreamCreatedAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When it was created, by the clock of the cloud; null if it does not say.',
    }),
  }),
})

type UpstreamSnapshot = Pick<
  Snapshot,
  'externalId' | 'upstreamDiskId' | 'rawStatus' | 'upstreamCreatedAt' | 'upstreamExpiresAt' | 'seenAt'
>

export const UpstreamSnapshot = builder.objectRef<UpstreamSnapshot>('UpstreamSnapshot').implement({
  description: 'What the cloud says of a snapshot, as it was last seen.',
  fields: (t) => ({
    id: t.exposeID('externalId', {
      nullable: true,
      description: "The cloud's own id; null until the cloud has accepted the snapshot.",
    }),
    diskId: t.exposeID('upstreamDiskId', {
      nullable: true,
      description: "The cloud's own id of its disk, also when the disk is gone; null if it does not say.",
    }),
    status: t.exposeString('rawStatus', {
      nullable: true,
      description: "The cloud's own word for its status; null until it was seen.",
    }),
    createdAt: t.expose('upstreamCreatedAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When it was created, by the clock of the cloud; null if it does not say.',
    }),
    expiresAt: t.expose('upstreamExpiresAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When the cloud will delete it; null if it does not say.',
    }),
    seenAt: t.expose('seenAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When the gateway first saw it in the cloud; null until then.',
    }),
  }),
})
