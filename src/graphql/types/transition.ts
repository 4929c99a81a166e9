import { reasonsIn } from '../../domain/reasons.ts'
import { builder } from '../builder.ts'
import { idOf } from '../id-argument.ts'
import type {
  AnyTransition,
  DiskTransition as DiskTransitionRow,
  Transition,
} from '../../transitions/transition.ts'
import { costing, STORED } from '../hints.ts'
import {
  follow,
  followDisks,
  followDiskToEnd,
  followProgress,
  followToEnd,
  type ProgressEvent,
} from '../streams.ts'
import { Actor, storedActor } from './activity.ts'
import { DiskStatus, DiskStatusFilter } from './disk-enums.ts'
import { IDFilter, StringFilter } from './filters.ts'
import { Disk, Snapshot } from './nodes.ts'
import { Reason, SENTENCES } from './reason.ts'
import { SnapshotStatus, SnapshotStatusFilter, SnapshotTypeFilter } from './snapshot-enums.ts'
import { TAG_FILTER_LIMITS, TAG_FILTERS, TagFilter } from './tag.ts'

const ACTOR =
  'Who or what caused it; null if the gateway observed it, or if a version recorded it that did not store this.'

const AT = 'When it happened; of what happens in a cloud, when the gateway saw it.'
const UPSTREAM_AT =
  'When it happened by the clock of the cloud; null if the cloud does not say, and for what is in no cloud.'

/** What the two kinds of transitions have in common. */
export const StatusTransition = builder.interfaceRef<AnyTransition>('StatusTransition').implement({
  description: 'A status change of a snapshot or disk, or a request to cancel its operation.',
  resolveType: ({ snapshotId }) => (snapshotId === undefined ? 'DiskTransition' : 'SnapshotTransition'),
  fields: (t) => ({
    sequence: t.expose('sequence', {
      type: 'SafeInt',
      description: "Its number in the account's log of snapshots or of disks.",
    }),
    diskId: t.exposeID('diskId', {
      description: 'The disk that changed, or whose snapshot did.',
    }),
    reason: t.exposeString('reason', {
      nullable: true,
      description: 'The reason, as a sentence; null if there is nothing to add.',
    }),
    reasons: t.field({
      ...costing(0, SENTENCES),
      type: [Reason],
      description: '`reason` for programs, sentence by sentence; empty if it is null.',
      resolve: ({ reason }) => reasonsIn(reason),
    }),
    actor: t.field({
      type: Actor,
      nullable: true,
      description: ACTOR,
      resolve: storedActor,
    }),
    at: t.expose('at', { type: 'DateTime', description: AT }),
    upstreamAt: t.expose('upstreamAt', { type: 'DateTime', nullable: true, description: UPSTREAM_AT }),
  }),
})

export const SnapshotTransition = builder.objectRef<Transition>('SnapshotTransition')

SnapshotTransition.implement({
  interfaces: [StatusTransition],
  ...STORED,
  description:
    'A status change of a snapshot, or a request to cancel its operation: then `from` and `to` are equal, as at the ' +
    'end of a cancelled verification. Transitions are stored and numbered, and never dropped or merged.',
  fields: (t) => ({
    sequence: t.field({
      type: 'SafeInt',
      description: "Its number in the account's log of snapshots: 1, 2, 3 … without gaps.",
      resolve: ({ sequence }) => sequence,
    }),
    cursor: t.string({
      description: 'Pass it as `after` to resume after this transition.',
      resolve: (transition, _args, { gateway }) => gateway.transitions.cursor(transition),
    }),
    snapshotId: t.exposeID('snapshotId', { description: 'The snapshot that changed.' }),
    snapshotName: t.exposeString('snapshotName', {
      nullable: true,
      description:
        'The name of the snapshot at that moment; null for transitions of versions that did not store it.',
    }),
    diskId: t.exposeID('diskId', { description: 'The id of its disk, even if the disk was released.' }),
    from: t.expose('from', {
      type: SnapshotStatus,
      nullable: true,
      description: 'The previous status; null for the first transition.',
    }),
    to: t.expose('to', { type: SnapshotStatus, description: 'The new status.' }),
    reason: t.exposeString('reason', {
      nullable: true,
      description: 'The reason, as a sentence; null if there is nothing to add.',
    }),
    reasons: t.field({
      ...costing(0, SENTENCES),
      type: [Reason],
      description: '`reason` for programs, sentence by sentence; empty if it is null.',
      resolve: ({ reason }) => reasonsIn(reason),
    }),
    actor: t.field({
      type: Actor,
      nullable: true,
      description: ACTOR,
      resolve: storedActor,
    }),
    at: t.expose('at', { type: 'DateTime', description: AT }),
    upstreamAt: t.expose('upstreamAt', { type: 'DateTime', nullable: true, description: UPSTREAM_AT }),
    snapshot: t.field({
      type: Snapshot,
      nullable: true,
      description: 'The snapshot as it is now, possibly after later transitions; null if it is DELETED.',
      resolve: ({ snapshotId }, _args, { reads }) => reads.snapshot(snapshotId),
    }),
  }),
})

const DiskTransition = builder.objectRef<DiskTransitionRow>('DiskTransition').implement({
  interfaces: [StatusTransition],
  description:
    'A status change of a disk, by an operation or by observation, or a request to cancel its operation: then `from` ' +
    'and `to` are equal. Transitions are stored and numbered, and never dropped or merged.',
  fields: (t) => ({
    sequence: t.field({
      type: 'SafeInt',
      description: "Its number in the account's log of disks: 1, 2, 3 … without gaps.",
      resolve: ({ sequence }) => sequence,
    }),
    cursor: t.string({
      description: 'Pass it as `after` to resume after this transition.',
      resolve: (transition, _args, { gateway }) => gateway.diskTransitions.cursor(transition),
    }),
    diskId: t.exposeID('diskId', { description: 'The disk that changed.' }),
    from: t.expose('from', {
      type: DiskStatus,
      nullable: true,
      description: 'The previous status; null for the first transition.',
    }),
    to: t.expose('to', { type: DiskStatus, description: 'The new status.' }),
    reason: t.exposeString('reason', {
      nullable: true,
      description:
        'The reason, as a sentence: the fault, or why an operation ended; null if there is nothing to add.',
    }),
    reasons: t.field({
      ...costing(0, SENTENCES),
      type: [Reason],
      description: '`reason` for programs, sentence by sentence; empty if it is null.',
      resolve: ({ reason }) => reasonsIn(reason),
    }),
    actor: t.field({
      type: Actor,
      nullable: true,
      description: ACTOR,
      resolve: storedActor,
    }),
    at: t.expose('at', { type: 'DateTime', description: AT }),
    upstreamAt: t.expose('upstreamAt', { type: 'DateTime', nullable: true, description: UPSTREAM_AT }),
    disk: t.field({
      type: Disk,
      nullable: true,
      description: 'The disk as it is now, possibly after later transitions; null if it is DELETED.',
      resolve: ({ diskId }, _args, { reads }) => reads.disk(diskId),
    }),
  }),
})

const SnapshotProgress = builder.objectRef<ProgressEvent>('SnapshotProgress').implement({
  description:
    'Progress of a copy or verification. It is measured, not estimated. Values are not stored: a slow client ' +
    'receives the latest one.',
  fields: (t) => ({
    snapshotId: t.exposeID('snapshotId', { description: 'The snapshot.' }),
    percent: t.exposeInt('percent', {
      nullable: true,
      description: 'Percent, rounded down; null if unknown.',
    }),
    copiedBytes: t.expose('copiedBytes', {
      type: 'SafeInt',
      nullable: true,
      description: 'Bytes of data processed; null if unknown.',
    }),
    totalBytes: t.expose('totalBytes', {
      type: 'SafeInt',
      nullable: true,
      description: 'Total bytes of data; null if unknown.',
    }),
  }),
})

const SnapshotTransitionFilter = builder.inputType('SnapshotTransitionFilter', {
  description:
    'Filter for transitions. All given conditions must hold. Type, name and tags are those of the snapshot at the ' +
    'moment of the transition: a later change of its name or tags changes nothing about earlier transitions.',
  fields: (t) => ({
    snapshotId: t.field({ type: IDFilter, description: 'By snapshot.' }),
    diskId: t.field({ type: IDFilter, description: 'By disk.' }),
    to: t.field({ type: SnapshotStatusFilter, description: 'By new status.' }),
    type: t.field({ type: SnapshotTypeFilter, description: 'By the type of the snapshot.' }),
    name: t.field({ type: StringFilter, description: 'By the name of the snapshot at that moment.' }),
    tags: t.field({
      type: [TagFilter],
      description: `${TAG_FILTERS} Those that the snapshot had at that moment.`,
      validate: TAG_FILTER_LIMITS,
    }),
  }),
})

const DiskTransitionFilter = builder.inputType('DiskTransitionFilter', {
  description: 'Filter for transitions. All given conditions must hold.',
  fields: (t) => ({
    diskId: t.field({ type: IDFilter, description: 'By disk.' }),
    to: t.field({ type: DiskStatusFilter, description: 'By new status.' }),
  }),
})

const AFTER =
  'A stream cursor: the `streamCursor` of a connection or the `cursor` of a transition. The stream sends ' +
  'everything after it, then live transitions, without gaps or repetitions. If the log cannot continue from ' +
  'it, because it was pruned or the database was restored, the stream fails with CURSOR_EXPIRED, even while ' +
  'it is open: list again.'

builder.subscriptionFields((t) => ({
  snapshotStatus: t.field({
    type: SnapshotTransition,
    description:
      'The transitions of one snapshot: its history first, then live. Completes when no operation is in flight: ' +
      'the status is COMPLETED, FAILED, UNAVAILABLE or DELETED, and the copy is not being verified, rolled back ' +
      'to or copied to a disk. Fails with NOT_FOUND if there is no such snapshot.',
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
      'All transitions of all snapshots of the account, live and without end; with `after`, everything since ' +
      'then first.',
    args: {
      filter: t.arg({ type: SnapshotTransitionFilter, description: 'Filter. Default: all.' }),
      after: t.arg.string({ description: AFTER }),
    },
    subscribe: (_root, { filter, after }, context) => follow(context, filter, after),
    resolve: (transition) => transition,
  }),
  diskStatus: t.field({
    type: DiskTransition,
    description:
      'The transitions of one disk: its history first, as far as the log reaches, then live. Completes when no ' +
      'operation is in flight, immediately if none is. Fails with NOT_FOUND if there is no such disk.',
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
      'All transitions of all disks of the account, live and without end; with `after`, everything since then ' +
      'first.',
    args: {
      filter: t.arg({ type: DiskTransitionFilter, description: 'Filter. Default: all.' }),
      after: t.arg.string({ description: AFTER }),
    },
    subscribe: (_root, { filter, after }, context) => followDisks(context, filter, after),
    resolve: (transition) => transition,
  }),
  snapshotProgress: t.field({
    type: SnapshotProgress,
    description:
      'Progress of the copy or verification of one snapshot: the current value, then updates. Completes when it ' +
      'ends. Fails with NOT_FOUND if there is no such snapshot.',
    args: { id: t.arg.id({ required: true, description: 'The snapshot, `s-…`.' }) },
    subscribe: (_root, { id }, context) => followProgress(context, idOf('Snapshot', id)),
    resolve: (progress) => progress,
  }),
}))
