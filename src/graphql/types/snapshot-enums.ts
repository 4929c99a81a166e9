import { builder } from '../builder.ts'
import { COMPARISON_LIMITS } from './filters.ts'

export const SnapshotType = builder.enumType('SnapshotType', {
  description: 'How a snapshot was created. Each type has its own quota per disk.',
  values: {
    MANUAL: { description: 'By `createSnapshot` or `createSnapshots`.' },
    AUTOMATIC: { description: 'By an automatic snapshot policy.' },
  },
} as const)

export const SnapshotStatus = builder.enumType('SnapshotStatus', {
  description:
    'Status of a snapshot: CREATING, then COMPLETED or FAILED. COMPLETED can become UNAVAILABLE. All of these ' +
    'except CREATING can become DELETING, then DELETED.',
  values: {
    CREATING: { description: 'Its data is being copied.' },
    COMPLETED: { description: 'The copy is complete, verified and durable.' },
    FAILED: {
      description:
        'The copy failed; see `failureReason`. It holds no data and does not count against the quota.',
    },
    UNAVAILABLE: { description: 'The copy is corrupt or missing.' },
    DELETING: { description: 'Its data is being removed.' },
    DELETED: { description: 'Deleted. Only its transitions remain.' },
  },
} as const)

export const SnapshotConsistency = builder.enumType('SnapshotConsistency', {
  description: "Consistency of a snapshot's data.",
  values: {
    CLEAN: { description: 'The disk was not in use. The copy equals the disk.' },
    CRASH_CONSISTENT: {
      description:
        'The disk was in use. The copy holds what had reached the disk at that moment, as after a power failure.',
    },
  },
} as const)

export const SnapshotOperation = builder.enumType('SnapshotOperation', {
  description: 'An operation on a snapshot.',
  values: {
    UPDATE: { description: 'Change its name, description, tags or retention.' },
    DELETE: { description: 'Deleting it.' },
    VERIFY: { description: 'Verify its copy against the checksum.' },
    ROLL_BACK: { description: 'Roll its disk back to it.' },
    CREATE_DISK: { description: 'Create a disk from it.' },
  },
} as const)

export const SnapshotStatusFilter = builder.inputType('SnapshotStatusFilter', {
  description: 'Compares the status of a snapshot. All given comparisons must hold.',
  validate: COMPARISON_LIMITS,
  fields: (t) => ({
    eq: t.field({ type: SnapshotStatus, description: 'Equals this status.' }),
    in: t.field({ type: [SnapshotStatus], description: 'Equals one of these statuses.' }),
  }),
})

export const SnapshotTypeFilter = builder.inputType('SnapshotTypeFilter', {
  description: 'Compares the type of a snapshot. All given comparisons must hold.',
  validate: COMPARISON_LIMITS,
  fields: (t) => ({
    eq: t.field({ type: SnapshotType, description: 'Equals this type.' }),
    in: t.field({ type: [SnapshotType], description: 'Equals one of these types.' }),
  }),
})
