import { builder } from '../builder.ts'
import { COMPARISON_LIMITS } from './filters.ts'

export const SnapshotType = builder.enumType('SnapshotType', {
  description: 'Who asked for a snapshot. Each type has a budget of its own on every disk.',
  values: {
    MANUAL: { description: 'A person or program, by `createSnapshot`.' },
    AUTOMATIC: { description: 'An automatic snapshot policy.' },
  },
} as const)

export const SnapshotStatus = builder.enumType('SnapshotStatus', {
  description:
    'Where a snapshot is in its life: CREATING, then COMPLETED or FAILED; a COMPLETED one may become UNAVAILABLE; each of ' +
    'these may become DELETING, then DELETED.',
  values: {
    CREATING: { description: 'Its bytes are being copied.' },
    COMPLETED: { description: 'The copy is whole, verified and durable.' },
    FAILED: { description: 'There is no copy; see `failureReason`. It does not count against the quota.' },
    UNAVAILABLE: { description: 'There was a copy, and it is damaged or cannot be reached.' },
    DELETING: { description: 'Its bytes are being removed.' },
    DELETED: { description: 'It is gone; only its transitions remain.' },
  },
} as const)

export const SnapshotConsistency = builder.enumType('SnapshotConsistency', {
  description: 'What the copy can promise about its content.',
  values: {
    CLEAN: { description: 'The disk was not in use: the copy is the disk.' },
    CRASH_CONSISTENT: {
      description:
        'The disk was in use: the copy holds what had reached it at that moment, as after a power cut.',
    },
  },
} as const)

export const SnapshotOperation = builder.enumType('SnapshotOperation', {
  description: 'What can be asked of a snapshot.',
  values: {
    UPDATE: { description: 'Changing its name, description, tags or retention.' },
    DELETE: { description: 'Deleting it.' },
    VERIFY: { description: 'Reading its copy again, against the checksum.' },
    ROLL_BACK: { description: 'Setting its disk back to it.' },
    CREATE_DISK: { description: 'Making a new disk from it.' },
  },
} as const)

export const SnapshotStatusFilter = builder.inputType('SnapshotStatusFilter', {
  description: 'Compares the status of a snapshot; comparisons that are given must all hold.',
  validate: COMPARISON_LIMITS,
  fields: (t) => ({
    eq: t.field({ type: SnapshotStatus, description: 'Is this status.' }),
    in: t.field({ type: [SnapshotStatus], description: 'Is one of these statuses.' }),
  }),
})

export const SnapshotTypeFilter = builder.inputType('SnapshotTypeFilter', {
  description: 'Compares the type of a snapshot; comparisons that are given must all hold.',
  validate: COMPARISON_LIMITS,
  fields: (t) => ({
    eq: t.field({ type: SnapshotType, description: 'Is this type.' }),
    in: t.field({ type: [SnapshotType], description: 'Is one of these types.' }),
  }),
})
