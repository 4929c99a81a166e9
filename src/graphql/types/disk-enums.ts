import { builder } from '../builder.ts'
import { COMPARISON_LIMITS } from './filters.ts'

export const DiskKind = builder.enumType('DiskKind', {
  description: 'What a disk is for.',
  values: {
    SYSTEM: { description: 'The disk an instance boots from.' },
    DATA: { description: 'A disk that holds data.' },
  },
} as const)

export const DiskStatus = builder.enumType('DiskStatus', {
  description:
    'What a disk is doing. A snapshot can be taken of a data disk that is IN_USE or UNMOUNTED and of a system disk that is ' +
    'IN_USE or NORMAL.',
  values: {
    CREATING: { description: 'It is being made.' },
    UNMOUNTED: { description: 'It exists and is not attached to an instance.' },
    NORMAL: { description: 'A healthy system disk whose instance is stopped.' },
    IN_USE: { description: 'It is attached to an instance, or a program has it open.' },
    ATTACHING: { description: 'It is being attached to an instance.' },
    DETACHING: { description: 'It is being detached from its instance.' },
    SCALING: { description: 'Its size or type is being changed.' },
    SNAPSHOTTING: { description: 'A snapshot of it is being made.' },
    IMAGING: { description: 'An image of it is being made.' },
    RECHARGING: { description: 'Its renewal is being paid.' },
    ROLLING_BACK: { description: 'Its content is being set back to a snapshot.' },
    DELETING: { description: 'It is being released.' },
    EXPIRED: { description: 'What was paid for it has run out.' },
    NOT_AVAILABLE: { description: 'It cannot be used.' },
    ERROR: { description: 'Something is wrong with it; see `statusReason`.' },
    RECYCLED: { description: 'It is in the recycle bin.' },
    UNKNOWN: { description: 'It reports something that this gateway does not know.' },
    DELETED: { description: 'It was released; only its transitions remain.' },
  },
} as const)

export const DiskOperation = builder.enumType('DiskOperation', {
  description: 'What can be asked of a disk, besides a snapshot.',
  values: {
    UPDATE: { description: 'Changing its name, description or tags.' },
    ATTACH: { description: 'Attaching it to an instance.' },
    DETACH: { description: 'Detaching it from its instance.' },
    RESIZE: { description: 'Making it larger.' },
    ROLL_BACK: { description: 'Setting its content back to a snapshot.' },
    RELEASE: { description: 'Giving it up.' },
  },
} as const)

export const DiskStatusFilter = builder.inputType('DiskStatusFilter', {
  description: 'Compares the status of a disk; comparisons that are given must all hold.',
  validate: COMPARISON_LIMITS,
  fields: (t) => ({
    eq: t.field({ type: DiskStatus, description: 'Is this status.' }),
    in: t.field({ type: [DiskStatus], description: 'Is one of these statuses.' }),
  }),
})

export const DiskKindFilter = builder.inputType('DiskKindFilter', {
  description: 'Compares the kind of a disk; comparisons that are given must all hold.',
  validate: COMPARISON_LIMITS,
  fields: (t) => ({
    eq: t.field({ type: DiskKind, description: 'Is this kind.' }),
    in: t.field({ type: [DiskKind], description: 'Is one of these kinds.' }),
  }),
})
