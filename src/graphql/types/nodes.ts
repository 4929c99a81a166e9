import type {
  AutoSnapshotPolicy as PolicyRow,
  Disk as DiskRow,
  Snapshot as SnapshotRow,
} from '../../generated/prisma/client.ts'
import { builder } from '../builder.ts'

/** The types that refer to one another, apart from what is in them. */
export const AutoSnapshotPolicy = builder.objectRef<PolicyRow>('AutoSnapshotPolicy')
export const Disk = builder.objectRef<DiskRow>('Disk')
export const Snapshot = builder.objectRef<SnapshotRow>('Snapshot')
