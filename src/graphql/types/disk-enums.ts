import { builder } from '../builder.ts'
import { COMPARISON_LIMITS } from './filters.ts'

export const DiskKind = builder.enumType('DiskKind', {
  description: 'Kind of a disk.',
  values: {
    SYSTEM: { description: 'The disk an instance boots from.' },
    DATA: { description: 'A disk that holds data.' },
  },
} as const)

export const DiskStatus = builder.enumType('DiskStatus', {
  description:
    'Status of a disk. A snapshot can be created of a data disk that is IN_USE or UNMOUNTED, and of a system ' +
    'disk that is IN_USE or NORMAL.',
  values: {
    CREATING: { description: 'The disk is being created.' },
    UNMOUNTED: { description: 'A data disk that is not attached to an instance.' },
    NORMAL: { description: 'A system disk whose instance is stopped.' },
    IN_USE: { description: 'Attached to an instance, or open in a program.' },
    ATTACHING: { description: 'Being attached to an instance.' },
    DETACHING: { description: 'Being detached from its instance.' },
    SCALING: { description: 'Its size or type is being changed.' },
    SNAPSHOTTING: { description: 'A snapshot of it is being created.' },
    IMAGING: { description: 'An image of it is being created.' },
    RECHARGING: { description: 'Its renewal is being paid for.' },
    ROLLING_BACK: { description: 'Being rolled back to a snapshot.' },
    DELETING: { description: 'Being released.' },
    EXPIRED: { description: 'Its subscription has expired.' },
    NOT_AVAILABLE: { description: 'It cannot be used.' },
    ERROR: { description: 'It has a fault: see `statusReason`.' },
    RECYCLED: { description: 'In the recycle bin.' },
    UNKNOWN: { description: 'It reports a status that this gateway does not know.' },
    DELETED: { description: 'Released. Only its transitions remain.' },
  },
} as const)

export const DiskOperation = builder.enumType('DiskOperation', {
  description: 'An operation on a disk, other than a snapshot.',
  values: {
    UPDATE: { description: 'Change its name, description or tags.' },
    ATTACH: { description: 'Attach it to an instance.' },
    DETACH: { description: 'Detach it from its instance.' },
    RESIZE: { description: 'Enlarge it.' },
    ROLL_BACK: { description: 'Roll it back to a snapshot.' },
    RELEASE: { description: 'Release it.' },
  },
} as const)

export const DiskStatusFilter = builder.inputType('DiskStatusFilter', {
  description: 'Compares the status of a disk. All given comparisons must hold.',
  validate: COMPARISON_LIMITS,
  fields: (t) => ({
    eq: t.field({ type: DiskStatus, description: 'Equals this status.' }),
    in: t.field({ type: [DiskStatus], description: 'Equals one of these statuses.' }),
  }),
})

export const DiskKindFilter = builder.inputType('DiskKindFilter', {
  description: 'Compares the kind of a disk. All given comparisons must hold.',
  validate: COMPARISON_LIMITS,
  fields: (t) => ({
    eq: t.field({ type: DiskKind, description: 'Equals this kind.' }),
    in: t.field({ type: [DiskKind], description: 'Equals one of these kinds.' }),
  }),
})
