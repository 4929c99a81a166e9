import { builder } from '../builder.ts'
import { idOf } from '../id-argument.ts'
import type {
  AnyTransition,
  DiskTransition as DiskTransitionRow,
  Transition,
} from '../../transitions/transition.ts'
import { STORED } from '../stored.ts'
import {
  follow,
  followDisks,
  followDiskToEnd,
  followProgress,
  followToEnd,
  type ProgressEvent,
} from '../streams.ts'
import { DiskStatus, DiskStatusFilter } from './disk-enums.ts'
import { IDFilter } from './filters.ts'
import { Disk, Snapshot } from './nodes.ts'
import { SnapshotStatus, SnapshotStatusFilter } from './snapshot-enums.ts'

/** What the two kinds of transitions have in common. */
export const StatusTransition = builder.interfaceRef<AnyTransition>('StatusTransition').implement({
  description: 'One change of the status of a snapshot or a disk.',
  resolveType: ({ snapshotId }) => (snapshotId === undefined ? 'DiskTransition' : 'SnapshotTransition'),
  fields: (t) => ({
    sequence: t.expose('sequence', {
      type: 'SafeInt',
      description: 'Its number in the account’s log of snapshots or of disks.',
    }),
    diskId: t.exposeID('diskId', {
      description: 'The disk that changed, or of which the snapshot was taken.',
    }),
    reason: t.exposeString('reason', {
      nullable: true,
      description: 'Why, where there is something to say.',
    }),
    at: t.expose('at', { type: 'DateTime', description: 'When it happened.' }),
  }),
})

export const SnapshotTransition = builder.objectRef<Transition>('SnapshotTransition')

SnapshotTransition.implement({
  interfaces: [StatusTransition],
  extensions: STORED,
  description:
    'One change of a snapshot’s status. Transitions are stored and numbered; none is ever dropped or merged.',
  fields: (t) => ({
    sequence: t.field({
      type: 'SafeInt',
      description: 'Its number among the transitions of the account’s snapshots: 1, 2, 3 … without a gap.',
      resolve: ({ sequence }) => sequence,
    }),
    cursor: t.string({
      description: 'Pass it as `after` to go on behind this transition.',
      resolve: (transition, _args, { gateway }) => gateway.transitions.cursor(transition),
    }),
    snapshotId: t.exposeID('snapshotId', { description: 'The snapshot that changed.' }),
    snapshotName: t.exposeString('snapshotName', {
      nullable: true,
      description:
        'The name of the snapshot at that moment; null if it was not stored, by versions that did not keep it.',
    }),
    diskId: t.exposeID('diskId', { description: 'The disk it was taken of, also when that is gone.' }),
    from: t.expose('from', {
      type: SnapshotStatus,
      nullable: true,
      description: 'The status before; null for the first.',
    }),
    to: t.expose('to', { type: SnapshotStatus, description: 'The status after.' }),
    reason: t.exposeString('reason', {
      nullable: true,
      description: 'Why, where there is something to say.',
    }),
    at: t.expose('at', { type: 'DateTime', description: 'When it happened.' }),
    snapshot: t.field({
      type: Snapshot,
      nullable: true,
      description:
        'The snapshot as it is now, which may be further on than this transition; null once it is DELETED.',
      resolve: ({ snapshotId }, _args, { reads }) => reads.snapshot(snapshotId),
    }),
  }),
})

const DiskTransition = builder.objectRef<DiskTransitionRow>('DiskTransition').implement({
  interfaces: [StatusTransition],
  description:
    'One change of a disk’s status, by an operation or seen by looking at it. Transitions are stored and numbered; none is ' +
    'ever dropped or merged.',
  fields: (t) => ({
    sequence: t.field({
      type: 'SafeInt',
      description: 'Its number among the transitions of the account’s disks: 1, 2, 3 … without a gap.',
      resolve: ({ sequence }) => sequence,
    }),
    cursor: t.string({
      description: 'Pass it as `after` to go on behind this transition.',
      resolve: (transition, _args, { gateway }) => gateway.diskTransitions.cursor(transition),
    }),
    diskId: t.exposeID('diskId', { description: 'The disk that changed.' }),
    from: t.expose('from', {
      type: DiskStatus,
      nullable: true,
      description: 'The status before; null for the first.',
    }),
    to: t.expose('to', { type: DiskStatus, description: 'The status after.' }),
    reason: t.exposeString('reason', {
      nullable: true,
      description: 'Why, where there is something to say: what is wrong, or why an operation was given up.',
    }),
    at: t.expose('at', { type: 'DateTime', description: 'When it happened.' }),
    disk: t.field({
      type: Disk,
      nullable: true,
      description:
        'The disk as it is now, which may be further on than this transition; null once it is DELETED.',
      resolve: ({ diskId }, _args, { reads }) => reads.disk(diskId),
    }),
  }),
})

const SnapshotProgress = builder.objectRef<ProgressEvent>('SnapshotProgress').implement({
  description:
    'How far the copying or verifying of a snapshot is. Measured, not estimated, and not stored: the latest value wins.',
  fields: (t) => ({
    snapshotId: t.exposeID('snapshotId', { description: 'The snapshot.' }),
    percent: t.exposeInt('percent', {
      nullable: true,
      description: 'Whole percent, rounded down; null while not known.',
    }),
    copiedBytes: t.expose('copiedBytes', {
      type: 'SafeInt',
      nullable: true,
      description: 'Bytes of data copied; null while not known.',
    }),
    totalBytes: t.expose('totalBytes', {
      type: 'SafeInt',
      nullable: true,
      description: 'Bytes of data there are to copy; null while not known.',
    }),
  }),
})

const SnapshotTransitionFilter = builder.inputType('SnapshotTransitionFilter', {
  description: 'Which transitions; conditions that are given must all hold.',
  fields: (t) => ({
    snapshotId: t.field({ type: IDFilter, description: 'By snapshot.' }),
    diskId: t.field({ type: IDFilter, description: 'By the disk the snapshot was taken of.' }),
    to: t.field({ type: SnapshotStatusFilter, description: 'By the status after.' }),
  }),
})

const DiskTransitionFilter = builder.inputType('DiskTransitionFilter', {
  description: 'Which transitions; conditions that are given must all hold.',
  fields: (t) => ({
    diskId: t.field({ type: IDFilter, description: 'By disk.' }),
    to: t.field({ type: DiskStatusFilter, description: 'By the status after.' }),
  }),
})

const AFTER =
  'A stream cursor: of a connection (`streamCursor`) or of a transition (`cursor`). Everything after it comes first, then ' +
  'what happens, with no gap and no repetition. One that the log does not continue from, because that was pruned or the ' +
  'database was restored, is answered with CURSOR_EXPIRED: list again. A stream that is open then ends with it.'

builder.subscriptionFields((t) => ({
  snapshotStatus: t.field({
    type: SnapshotTransition,
    description:
      'The transitions of one snapshot: its history first, then live. The stream completes by itself when nothing is in ' +
      'flight with it: its status is COMPLETED, FAILED, UNAVAILABLE or DELETED, and it is not being verified, rolled back to ' +
      'or made into a disk. NOT_FOUND when there is no such snapshot.',
    args: {
      id: t.arg.id({ required: true, description: 'The snapshot, `s-…`.' }),
      after: t.arg.string({ description: AFTER }),
    },
    subscribe: (_root, { id, after }, context) => followToEnd(context, idOf('Snapshot', id), after),
    resolve: (transition) => transition,
  }),
  snapshotTransitions: t.field({
    type: SnapshotTransition,
    description:
      'Every transition of every snapshot of the account, live and without end; with `after`, everything since then first.',
    args: {
      filter: t.arg({ type: SnapshotTransitionFilter, description: 'Which ones; all when left out.' }),
      after: t.arg.string({ description: AFTER }),
    },
    subscribe: (_root, { filter, after }, context) => follow(context, filter, after),
    resolve: (transition) => transition,
  }),
  diskStatus: t.field({
    type: DiskTransition,
    description:
      'The transitions of one disk: its history first, as far as the log is kept, then live. The stream completes by itself ' +
      'when nothing is in flight with the disk, at once when nothing is. NOT_FOUND when there is no such disk.',
    args: {
      id: t.arg.id({ required: true, description: 'The disk, `v-…`.' }),
      after: t.arg.string({ description: AFTER }),
    },
    subscribe: (_root, { id, after }, context) => followDiskToEnd(context, idOf('Disk', id), after),
    resolve: (transition) => transition,
  }),
  diskTransitions: t.field({
    type: DiskTransition,
    description:
      'Every transition of every disk of the account, live and without end; with `after`, everything since then first.',
    args: {
      filter: t.arg({ type: DiskTransitionFilter, description: 'Which ones; all when left out.' }),
      after: t.arg.string({ description: AFTER }),
    },
    subscribe: (_root, { filter, after }, context) => followDisks(context, filter, after),
    resolve: (transition) => transition,
  }),
  snapshotProgress: t.field({
    type: SnapshotProgress,
    description:
      'How far the copying or verifying of one snapshot is: at once what is known, then while it runs. Completes when that ' +
      'has ended. NOT_FOUND when there is no such snapshot.',
    args: { id: t.arg.id({ required: true, description: 'The snapshot, `s-…`.' }) },
    subscribe: (_root, { id }, context) => followProgress(context, idOf('Snapshot', id)),
    resolve: (progress) => progress,
  }),
}))
