import { z } from 'zod'
import { NAME_RULE_TEXT } from '../../domain/name.ts'
import { POLICIES_MAX } from '../../domain/policy-input.ts'
import { Refusal } from '../../domain/refusal.ts'
import { InvalidName, InvalidPolicy, PolicyNotFound, PolicyQuotaExceeded } from '../../domain/refusals.ts'
import { FOREVER, RETENTION_DAYS } from '../../domain/retention.ts'
import type {
  AutoSnapshotPolicy as PolicyRow,
  AutoSnapshotRun as RunRow,
  AutoSnapshotRunDisk as RunDiskRow,
  Disk as DiskRow,
} from '../../generated/prisma/client.ts'
import { DISK_ORDERS, POLICY_ORDERS, RUN_DISK_ORDERS, RUN_ORDERS } from '../../reads/reads.ts'
import { scheduleOf } from '../../services/policy-runs.ts'
import { builder } from '../builder.ts'
import { connect, PAGE_MAX } from '../connection.ts'
import { idOf } from '../id-argument.ts'
import { nextRunsOf } from '../next-runs.ts'
import { hasRepetitions } from '../repetitions.ts'
import { DiskConnection, DiskFilter, DiskOrder, DISKS_BY_NAME } from './disk.ts'
import { AutoSnapshotPolicy, Disk, Snapshot } from './nodes.ts'
import { factsOf, RefusalCode, UserError } from './user-error.ts'

/** How many of its next runs a policy shows. */
const NEXT_RUNS = 5

builder.node(AutoSnapshotPolicy, {
  description:
    'Takes snapshots of the disks that are linked to it, on its weekdays at its hours. Where the automatic snapshots of ' +
    'a disk fill their budget, the oldest that is COMPLETED makes room.',
  id: { resolve: ({ id }) => id, description: 'Global id, `asp-` and at least 8 letters and digits.' },
  loadManyWithoutCache: async (ids, { reads }) => ids.map((id) => reads.policy(id)),
  fields: (t) => ({
    name: t.exposeString('name', { description: 'Its name.' }),
    timePoints: t.intList({
      description: 'The hours it runs at, 0 to 23, in ascending order.',
      resolve: (policy) => [...scheduleOf(policy).timePoints],
    }),
    repeatWeekdays: t.intList({
      description: 'The days it runs on, 0 (Sunday) to 6, in ascending order.',
      resolve: (policy) => [...scheduleOf(policy).repeatWeekdays],
    }),
    timeZone: t.exposeString('timeZone', {
      description:
        'The time zone of hours and days, an IANA name. An hour that the clocks leave out is skipped that day, and said ' +
        'so in `runs`; one that they show twice runs once, the first time.',
    }),
    retentionDays: t.exposeInt('retentionDays', {
      description: `How many days its snapshots are kept; ${FOREVER} means forever, which is until they make room.`,
    }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it was created.' }),
    updatedAt: t.expose('updatedAt', { type: 'DateTime', description: 'When it was changed last.' }),
    nextRuns: t.field({
      type: ['DateTime'],
      description: `The next ${NEXT_RUNS} times it runs, ascending.`,
      resolve: (policy) => nextRunsOf(policy, NEXT_RUNS),
    }),
    lastRun: t.field({
      type: AutoSnapshotRun,
      nullable: true,
      description: 'Its last run; null when it has none yet.',
      resolve: ({ id }, _args, { reads }) => reads.lastRun(id),
    }),
    runs: t.connection(
      {
        type: AutoSnapshotRun,
        description:
          'What became of each of its times, the latest first; kept for AUTO_SNAPSHOT_RUN_RETENTION_DAYS.',
        resolve: ({ id }, args, context, info) =>
          connect(context.reads.runs(id), RUN_ORDERS, LATEST_FIRST, args, context, info),
      },
      { name: 'AutoSnapshotRunConnection', description: 'A page of the runs of a policy.' },
      { name: 'AutoSnapshotRunEdge', description: 'A run in a list.' },
    ),
    disks: t.connection(
      {
        type: Disk,
        description: 'The disks linked to it, by name unless ordered otherwise.',
        args: {
          filter: t.arg({ type: DiskFilter, description: 'Which ones; all when left out.' }),
          orderBy: t.arg({ type: DiskOrder, defaultValue: DISKS_BY_NAME, description: 'In which order.' }),
        },
        resolve: ({ id }, args, context, info) =>
          connect(
            context.reads.disks(args.filter, id),
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

const LATEST_FIRST = { field: 'SCHEDULED_FOR', direction: 'DESC' } as const

const AutoSnapshotRun = builder.objectRef<RunRow>('AutoSnapshotRun')

builder.node(AutoSnapshotRun, {
  description: 'One time of an automatic snapshot policy, and what became of it.',
  id: { resolve: ({ id }) => id, description: 'Global id, `asr-` and at least 8 letters and digits.' },
  loadManyWithoutCache: async (ids, { reads }) => ids.map((id) => reads.run(id)),
  fields: (t) => ({
    slot: t.exposeString('slot', {
      description: 'What the clocks show then, and where, such as `2026-03-29T02:00[Europe/Berlin]`.',
    }),
    scheduledFor: t.expose('scheduledFor', { type: 'DateTime', description: 'When it was to run.' }),
    decidedAt: t.expose('decidedAt', {
      type: 'DateTime',
      description:
        'When it ran, or when it was found that it had been missed. Long after `scheduledFor` it was made up.',
    }),
    outcome: t.expose('outcome', { type: RunOutcome, description: 'What became of it.' }),
    disks: t.connection(
      {
        type: AutoSnapshotRunDisk,
        description: 'What became of each disk that was linked then, by id; none unless it was RUN.',
        resolve: ({ id }, args, context, info) =>
          connect(context.reads.runDisks(id), RUN_DISK_ORDERS, BY_DISK, args, context, info),
      },
      { name: 'AutoSnapshotRunDiskConnection', description: 'A page of the disks of a run.' },
      { name: 'AutoSnapshotRunDiskEdge', description: 'A disk of a run in a list.' },
    ),
    disk: t.field({
      type: AutoSnapshotRunDisk,
      nullable: true,
      description: 'What became of one disk; null when it was not linked then, or the run was not RUN.',
      args: { id: t.arg.id({ required: true, description: 'The disk, `v-…`.' }) },
      resolve: ({ id: runId }, { id }, { reads }) => reads.runDisk(runId, idOf('Disk', id)),
    }),
  }),
})

const BY_DISK = { field: 'DISK', direction: 'ASC' } as const

const RunOutcome = builder.enumType('AutoSnapshotRunOutcome', {
  description: 'What became of a time of a policy.',
  values: {
    RUN: { description: 'It was run, in time or made up for.' },
    MISSED: { description: 'The gateway was not running, and a later time was run instead.' },
    NO_SUCH_HOUR: { description: 'The clocks left out its hour that day.' },
  },
} as const)

const RunDiskOutcome = builder.enumType('AutoSnapshotRunDiskOutcome', {
  description: 'What became of a disk in a run.',
  values: {
    PENDING: { description: 'It is still to be seen to.' },
    CREATED: { description: 'A snapshot was accepted; what becomes of that is in its own status.' },
    SKIPPED: { description: 'It was refused, and is not tried again until the next run.' },
    MISSED: { description: 'The gateway stopped before it came to it, and a later run was due by then.' },
  },
} as const)

const AutoSnapshotRunDisk = builder.objectRef<RunDiskRow>('AutoSnapshotRunDisk').implement({
  description: 'What became of one disk in a run.',
  fields: (t) => ({
    diskId: t.exposeID('diskId', { description: 'The disk.' }),
    disk: t.field({
      type: Disk,
      nullable: true,
      description: 'The disk; null once it has been released.',
      resolve: ({ diskId }, _args, { reads }) => reads.disk(diskId),
    }),
    outcome: t.expose('outcome', { type: RunDiskOutcome, description: 'What became of it.' }),
    snapshotId: t.exposeID('snapshotId', {
      nullable: true,
      description: 'The snapshot that was accepted; null when there is none.',
    }),
    snapshot: t.field({
      type: Snapshot,
      nullable: true,
      description: 'The snapshot that was accepted; null when there is none, or none any more.',
      resolve: ({ snapshotId }, _args, { reads }) =>
        snapshotId === null ? null : reads.snapshot(snapshotId),
    }),
    refusalCode: t.field({
      type: RefusalCode,
      nullable: true,
      description: 'Why it was SKIPPED, for programs; null otherwise.',
      resolve: ({ refusalCode }) => refusalCode,
    }),
    refusalMessage: t.exposeString('refusalMessage', {
      nullable: true,
      description: 'Why it was SKIPPED and what would be right, for people; null otherwise.',
    }),
  }),
})

builder.queryFields((t) => ({
  autoSnapshotPolicy: t.field({
    type: AutoSnapshotPolicy,
    nullable: true,
    description: 'The automatic snapshot policy with this id; null when there is none.',
    args: { id: t.arg.id({ required: true, description: 'Its id, `asp-…`.' }) },
    resolve: (_root, { id }, { reads }) => reads.policy(idOf('AutoSnapshotPolicy', id)),
  }),
  autoSnapshotPolicies: t.connection(
    {
      type: AutoSnapshotPolicy,
      description: 'The automatic snapshot policies, by name.',
      resolve: (_root, args, context, info) =>
        connect(context.reads.policies(), POLICY_ORDERS, POLICIES_BY_NAME, args, context, info),
    },
    { name: 'AutoSnapshotPolicyConnection', description: 'A page of automatic snapshot policies.' },
    { name: 'AutoSnapshotPolicyEdge', description: 'A policy in a list.' },
  ),
}))

const POLICIES_BY_NAME = { field: 'NAME', direction: 'ASC' } as const

const POLICY_FIELDS = {
  name: `Its name: ${NAME_RULE_TEXT}`,
  timePoints: 'The hours it runs at, 0 to 23; at least one.',
  repeatWeekdays: 'The days it runs on, 0 (Sunday) to 6; at least one.',
  retentionDays: `How many days its snapshots are kept, ${RETENTION_DAYS.min} to ${RETENTION_DAYS.max}; ${FOREVER} means forever.`,
  timeZone: 'The time zone of hours and days, an IANA name such as `Asia/Shanghai`.',
}

/** More than there are hours or days in any list that makes sense; duplicates are taken as one. */
const LIST_MAX = 100
const shortList = z.array(z.unknown()).max(LIST_MAX, `A list has at most ${LIST_MAX} entries.`).nullish()

const POLICY_ID = { required: true, description: 'The policy, `asp-…`.' } as const
const DISK_IDS = {
  required: true,
  description: `The disks, \`v-…\`, 1 to ${PAGE_MAX}, each once.`,
  validate: z
    .array(z.string())
    .min(1, 'diskIds has at least 1 entry.')
    .max(PAGE_MAX, `diskIds has at most ${PAGE_MAX} entries.`)
    .refine((ids) => !hasRepetitions(ids), 'diskIds has each disk once.'),
} as const

const CreatePolicyInput = builder.inputType('CreateAutoSnapshotPolicyInput', {
  description: 'A policy to be created.',
  fields: (t) => ({
    name: t.string({ required: true, description: POLICY_FIELDS.name }),
    timePoints: t.intList({ required: true, description: POLICY_FIELDS.timePoints, validate: shortList }),
    repeatWeekdays: t.intList({
      required: true,
      description: POLICY_FIELDS.repeatWeekdays,
      validate: shortList,
    }),
    retentionDays: t.int({
      required: true,
      defaultValue: FOREVER,
      description: POLICY_FIELDS.retentionDays,
    }),
    timeZone: t.string({ required: true, defaultValue: 'UTC', description: POLICY_FIELDS.timeZone }),
  }),
})

const UpdatePolicyInput = builder.inputType('UpdateAutoSnapshotPolicyInput', {
  description: 'What is to change about a policy; what is left out or null stays.',
  fields: (t) => ({
    policyId: t.id(POLICY_ID),
    name: t.string({ description: POLICY_FIELDS.name }),
    timePoints: t.intList({ description: POLICY_FIELDS.timePoints, validate: shortList }),
    repeatWeekdays: t.intList({ description: POLICY_FIELDS.repeatWeekdays, validate: shortList }),
    retentionDays: t.int({
      description: `${POLICY_FIELDS.retentionDays} Snapshots that exist keep what they have.`,
    }),
    timeZone: t.string({ description: POLICY_FIELDS.timeZone }),
  }),
})

const CreatePolicyPayload = builder
  .objectRef<{ policy: PolicyRow }>('CreateAutoSnapshotPolicyPayload')
  .implement({
    description: 'The policy was created.',
    fields: (t) => ({
      policy: t.expose('policy', { type: AutoSnapshotPolicy, description: 'The new policy.' }),
    }),
  })

const UpdatePolicyPayload = builder
  .objectRef<{ policy: PolicyRow }>('UpdateAutoSnapshotPolicyPayload')
  .implement({
    description: 'The policy was changed.',
    fields: (t) => ({
      policy: t.expose('policy', { type: AutoSnapshotPolicy, description: 'The policy as it is now.' }),
    }),
  })

const DeletePolicyInput = builder.inputType('DeleteAutoSnapshotPolicyInput', {
  description: 'A policy to be deleted.',
  fields: (t) => ({ policyId: t.id(POLICY_ID) }),
})

const DeletePolicyPayload = builder
  .objectRef<{ policyId: string }>('DeleteAutoSnapshotPolicyPayload')
  .implement({
    description: 'The policy is gone, with the history of its runs. The snapshots it made stay.',
    fields: (t) => ({ policyId: t.exposeID('policyId', { description: 'The policy that was deleted.' }) }),
  })

const LinkPolicyInput = builder.inputType('LinkAutoSnapshotPolicyInput', {
  description: 'A policy, and the disks to link it to.',
  fields: (t) => ({ policyId: t.id(POLICY_ID), diskIds: t.idList(DISK_IDS) }),
})

const UnlinkPolicyInput = builder.inputType('UnlinkAutoSnapshotPolicyInput', {
  description: 'A policy, and the disks to unlink it from.',
  fields: (t) => ({
    policyId: t.id(POLICY_ID),
    diskIds: t.idList(DISK_IDS),
    deleteSnapshots: t.boolean({
      defaultValue: false,
      description:
        'Whether the automatic snapshots of these disks are deleted as well; one that is being made or read stays.',
    }),
  }),
})

/** What became of one disk of several. */
interface LinkResult {
  diskId: string
  outcome: DiskRow | Refusal
}

const PolicyLinkResult = builder.objectRef<LinkResult>('AutoSnapshotPolicyLinkResult').implement({
  description: 'What became of one disk.',
  fields: (t) => ({
    diskId: t.exposeID('diskId', { description: 'The disk.' }),
    disk: t.field({
      type: Disk,
      nullable: true,
      description: 'The disk as it is now; null when it was refused.',
      resolve: ({ outcome }) => (outcome instanceof Refusal ? null : outcome),
    }),
    refusal: t.field({
      type: UserError,
      nullable: true,
      description: 'Why it was refused; null otherwise.',
      resolve: ({ outcome }) => (outcome instanceof Refusal ? factsOf(outcome) : null),
    }),
  }),
})

const LinkPolicyPayload = builder.objectRef<LinkResult[]>('LinkAutoSnapshotPolicyPayload').implement({
  description: 'Each disk was seen to for itself.',
  fields: (t) => ({
    results: t.field({
      type: [PolicyLinkResult],
      description: 'What became of each disk, in the order they were given.',
      resolve: (results) => results,
    }),
  }),
})

const UnlinkPolicyPayload = builder.objectRef<LinkResult[]>('UnlinkAutoSnapshotPolicyPayload').implement({
  description: 'Each disk was seen to for itself.',
  fields: (t) => ({
    results: t.field({
      type: [PolicyLinkResult],
      description: 'What became of each disk, in the order they were given.',
      resolve: (results) => results,
    }),
  }),
})

builder.mutationFields((t) => ({
  createAutoSnapshotPolicy: t.field({
    type: CreatePolicyPayload,
    authScopes: { may: 'managePolicies' },
    description: `Creates an automatic snapshot policy; an account has at most ${POLICIES_MAX}.`,
    errors: {
      types: [InvalidName, InvalidPolicy, PolicyQuotaExceeded],
      union: {
        name: 'CreateAutoSnapshotPolicyResult',
        description: 'The new policy, or why it was refused.',
      },
    },
    args: { input: t.arg({ type: CreatePolicyInput, required: true, description: 'What to create.' }) },
    resolve: async (_root, { input }, { gateway, viewer }) => ({
      policy: await gateway.policies.create(viewer, input),
    }),
  }),
  updateAutoSnapshotPolicy: t.field({
    type: UpdatePolicyPayload,
    authScopes: { may: 'managePolicies' },
    description:
      'Changes an automatic snapshot policy. A new schedule holds from now on: none of its past is made up.',
    errors: {
      types: [PolicyNotFound, InvalidName, InvalidPolicy],
      union: {
        name: 'UpdateAutoSnapshotPolicyResult',
        description: 'The changed policy, or why it was refused.',
      },
    },
    args: { input: t.arg({ type: UpdatePolicyInput, required: true, description: 'What to change.' }) },
    resolve: async (_root, { input: { policyId, ...changes } }, { gateway, viewer }) => ({
      policy: await gateway.policies.update(viewer, policyId, withoutNulls(changes)),
    }),
  }),
  deleteAutoSnapshotPolicy: t.field({
    type: DeletePolicyPayload,
    authScopes: { may: 'managePolicies' },
    description: 'Deletes an automatic snapshot policy and unlinks its disks. The snapshots it made stay.',
    errors: {
      types: [PolicyNotFound],
      union: { name: 'DeleteAutoSnapshotPolicyResult', description: 'It is gone, or why it was refused.' },
    },
    args: { input: t.arg({ type: DeletePolicyInput, required: true, description: 'What to delete.' }) },
    resolve: async (_root, { input: { policyId } }, { gateway, viewer }) => {
      await gateway.policies.delete(viewer, policyId)
      return { policyId }
    },
  }),
  linkAutoSnapshotPolicy: t.field({
    type: LinkPolicyPayload,
    authScopes: { may: 'managePolicies' },
    description:
      'Links a policy to disks, each for itself. A disk must be IN_USE then, and have no other policy; each is refused ' +
      'with `DiskNotFound`, `DiskLinkedElsewhere` or `DiskStatusForbidsPolicy`.',
    errors: {
      types: [PolicyNotFound],
      union: {
        name: 'LinkAutoSnapshotPolicyResult',
        description: 'What became of each disk, or why nothing was done.',
      },
    },
    args: { input: t.arg({ type: LinkPolicyInput, required: true, description: 'What to link.' }) },
    resolve: async (_root, { input: { policyId, diskIds } }, { gateway, viewer }) =>
      paired(diskIds, await gateway.policies.link(viewer, policyId, diskIds)),
  }),
  unlinkAutoSnapshotPolicy: t.field({
    type: UnlinkPolicyPayload,
    authScopes: { may: 'managePolicies' },
    description:
      'Unlinks a policy from disks, each for itself; one that is not linked to it stays as it is. Each is refused with ' +
      '`DiskNotFound`, or with `PolicyNotFound` where the policy was deleted meanwhile.',
    errors: {
      types: [PolicyNotFound],
      union: {
        name: 'UnlinkAutoSnapshotPolicyResult',
        description: 'What became of each disk, or why nothing was done.',
      },
    },
    args: { input: t.arg({ type: UnlinkPolicyInput, required: true, description: 'What to unlink.' }) },
    resolve: async (_root, { input: { policyId, diskIds, deleteSnapshots } }, { gateway, viewer }) =>
      paired(
        diskIds,
        await gateway.policies.unlink(viewer, policyId, diskIds, {
          deleteSnapshots: deleteSnapshots ?? false,
        }),
      ),
  }),
}))

function paired(diskIds: readonly string[], outcomes: readonly (DiskRow | Refusal)[]): LinkResult[] {
  return outcomes.map((outcome, index) => ({ diskId: diskIds[index] ?? '', outcome }))
}

type WithoutNulls<T> = { [K in keyof T]?: NonNullable<T[K]> }

function withoutNulls<T extends object>(given: T): WithoutNulls<T> {
  const kept = Object.entries(given).filter(([, value]) => value !== null && value !== undefined)
  return Object.fromEntries(kept) as WithoutNulls<T>
}
