import { z } from 'zod'
import { NAME_RULE_TEXT } from '../../domain/name.ts'
import { POLICIES_MAX } from '../../domain/policy-input.ts'
import { Refusal } from '../../domain/refusal.ts'
import { InvalidName, InvalidPolicy, PolicyNotFound, PolicyQuotaExceeded } from '../../domain/refusals.ts'
import { FOREVER, RETENTION_DAYS } from '../../domain/retention.ts'
import type {
  AutoSnapshotPolicy as PolicyRow,
  AutoSnapshotRunDisk as RunDiskRow,
  Disk as DiskRow,
} from '../../generated/prisma/client.ts'
import { DISK_ORDERS, POLICY_ORDERS, RUN_DISK_ORDERS, RUN_ORDERS } from '../../reads/reads.ts'
import { scheduleOf } from '../../services/policy-runs.ts'
import { builder } from '../builder.ts'
import { connect, PAGE_MAX } from '../connection.ts'
import { idOf } from '../id-argument.ts'
import { costing, POINT } from '../hints.ts'
import { nextRunsOf } from '../next-runs.ts'
import { hasRepetitions } from '../repetitions.ts'
import { DiskConnection, DiskFilter, DiskOrder, DISKS_BY_NAME } from './disk.ts'
import { AutoSnapshotPolicy, AutoSnapshotRun, Disk, Snapshot } from './nodes.ts'
import { factsOf, RefusalCode, UserError } from './user-error.ts'

/** How many of its next runs a policy shows. */
const NEXT_RUNS = 5

builder.node(AutoSnapshotPolicy, {
  description:
    "Creates snapshots of its linked disks at its hours on its weekdays. If a disk's automatic quota is full, " +
    'its oldest COMPLETED automatic snapshot is deleted first.',
  id: { resolve: ({ id }) => id, description: 'Global id: `asp-` and at least 8 letters and digits.' },
  loadManyWithoutCache: async (ids, { reads }) => ids.map((id) => reads.policy(id)),
  fields: (t) => ({
    name: t.exposeString('name', { description: 'Its name.' }),
    timePoints: t.intList({
      ...costing(2 * POINT, 24),
      description: 'Hours of its runs, 0–23, ascending.',
      resolve: (policy) => [...scheduleOf(policy).timePoints],
    }),
    repeatWeekdays: t.intList({
      ...costing(POINT, 7),
      description: 'Weekdays of its runs, 0 (Sunday) to 6, ascending.',
      resolve: (policy) => [...scheduleOf(policy).repeatWeekdays],
    }),
    timeZone: t.exposeString('timeZone', {
      description:
        'Time zone of the hours and weekdays, an IANA name. If daylight saving skips an hour, its run is ' +
        'NO_SUCH_HOUR; if it repeats an hour, the run happens once, the first time.',
    }),
    retentionDays: t.exposeInt('retentionDays', {
      description:
        `Retention of its snapshots, in days; ${FOREVER} means no expiry: until the quota is full and the oldest ` +
        'is deleted.',
    }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'Time of creation.' }),
    updatedAt: t.expose('updatedAt', { type: 'DateTime', description: 'Time of the last change.' }),
    nextRuns: t.field({
      ...costing(20 * POINT),
      type: ['DateTime'],
      description: `The times of its next ${NEXT_RUNS} runs, ascending.`,
      resolve: (policy) => nextRunsOf(policy, NEXT_RUNS),
    }),
    lastRun: t.field({
      type: AutoSnapshotRun,
      nullable: true,
      description: 'Its last run; null if it has not run.',
      resolve: ({ id }, _args, { reads }) => reads.lastRun(id),
    }),
    runs: t.connection(
      {
        type: AutoSnapshotRun,
        description: 'Its runs, latest first, kept for AUTO_SNAPSHOT_RUN_RETENTION_DAYS (90 by default).',
        resolve: ({ id }, args, context, info) =>
          connect(context.reads.runs(id), RUN_ORDERS, LATEST_FIRST, args, context, info),
      },
      { name: 'AutoSnapshotRunConnection', description: 'A page of the runs of a policy.' },
      { name: 'AutoSnapshotRunEdge', description: 'A run in a list.' },
    ),
    disks: t.connection(
      {
        type: Disk,
        description: 'The disks linked to it. Default order: by name.',
        args: {
          filter: t.arg({ type: DiskFilter, description: 'Filter. Default: all.' }),
          orderBy: t.arg({ type: DiskOrder, defaultValue: DISKS_BY_NAME, description: 'Sort order.' }),
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

builder.node(AutoSnapshotRun, {
  description: 'A scheduled run of an automatic snapshot policy, with its result.',
  id: { resolve: ({ id }) => id, description: 'Global id: `asr-` and at least 8 letters and digits.' },
  loadManyWithoutCache: async (ids, { reads }) => ids.map((id) => reads.run(id)),
  fields: (t) => ({
    slot: t.exposeString('slot', {
      description:
        'The scheduled time as local time with its time zone, such as `2026-03-29T02:00[Europe/Berlin]`.',
    }),
    scheduledFor: t.expose('scheduledFor', { type: 'DateTime', description: 'The scheduled time.' }),
    decidedAt: t.expose('decidedAt', {
      type: 'DateTime',
      description:
        'When it ran, or was found to have been missed. A much later time than `scheduledFor` means a catch-up run.',
    }),
    outcome: t.expose('outcome', { type: RunOutcome, description: 'Its result.' }),
    disks: t.connection(
      {
        type: AutoSnapshotRunDisk,
        description:
          'The result for each disk that was linked at the time, by id. Empty unless the run is RUN.',
        resolve: ({ id }, args, context, info) =>
          connect(context.reads.runDisks(id), RUN_DISK_ORDERS, BY_DISK, args, context, info),
      },
      { name: 'AutoSnapshotRunDiskConnection', description: 'A page of the disks of a run.' },
      { name: 'AutoSnapshotRunDiskEdge', description: 'A disk of a run in a list.' },
    ),
    disk: t.field({
      type: AutoSnapshotRunDisk,
      nullable: true,
      description: 'The result for one disk; null if it was not linked at the time, or the run is not RUN.',
      args: { id: t.arg.id({ required: true, description: 'The disk, `v-…`.' }) },
      resolve: ({ id: runId }, { id }, { reads }) => reads.runDisk(runId, idOf('Disk', id)),
    }),
  }),
})

const BY_DISK = { field: 'DISK', direction: 'ASC' } as const

const RunOutcome = builder.enumType('AutoSnapshotRunOutcome', {
  description: 'Result of a scheduled run.',
  values: {
    RUN: { description: 'It ran, on time or as a catch-up.' },
    MISSED: { description: 'The gateway was down, and a later run was caught up instead.' },
    NO_SUCH_HOUR: { description: 'Daylight saving skipped its hour.' },
  },
} as const)

const RunDiskOutcome = builder.enumType('AutoSnapshotRunDiskOutcome', {
  description: 'Result of a run for one disk.',
  values: {
    PENDING: { description: 'Not processed yet.' },
    CREATED: { description: 'A snapshot was accepted. Its own status shows whether it completes.' },
    SKIPPED: { description: 'The snapshot was refused. The next run tries again.' },
    MISSED: {
      description:
        'The gateway stopped before it processed the disk, and a later run was due when it started again.',
    },
  },
} as const)

const AutoSnapshotRunDisk = builder.objectRef<RunDiskRow>('AutoSnapshotRunDisk').implement({
  description: 'The result of a run for one disk.',
  fields: (t) => ({
    diskId: t.exposeID('diskId', { description: 'The disk.' }),
    disk: t.field({
      type: Disk,
      nullable: true,
      description: 'The disk; null after it was released.',
      resolve: ({ diskId }, _args, { reads }) => reads.disk(diskId),
    }),
    outcome: t.expose('outcome', { type: RunDiskOutcome, description: 'Its result.' }),
    snapshotId: t.exposeID('snapshotId', {
      nullable: true,
      description: 'The id of the accepted snapshot; null if there is none.',
    }),
    snapshot: t.field({
      type: Snapshot,
      nullable: true,
      description: 'The accepted snapshot; null if there is none, or it was deleted.',
      resolve: ({ snapshotId }, _args, { reads }) =>
        snapshotId === null ? null : reads.snapshot(snapshotId),
    }),
    refusalCode: t.field({
      type: RefusalCode,
      nullable: true,
      description: 'The code of the refusal if it was SKIPPED; null otherwise.',
      resolve: ({ refusalCode }) => refusalCode,
    }),
    refusalMessage: t.exposeString('refusalMessage', {
      nullable: true,
      description: 'The message of the refusal if it was SKIPPED; null otherwise.',
    }),
  }),
})

builder.queryFields((t) => ({
  autoSnapshotPolicy: t.field({
    type: AutoSnapshotPolicy,
    nullable: true,
    description: 'The automatic snapshot policy with this id; null if there is none.',
    args: { id: t.arg.id({ required: true, description: 'The id, `asp-…`.' }) },
    resolve: (_root, { id }, { reads }) => reads.policy(idOf('AutoSnapshotPolicy', id)),
  }),
  autoSnapshotPolicies: t.connection(
    {
      type: AutoSnapshotPolicy,
      description: 'The automatic snapshot policies of the account, by name.',
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
  timePoints: 'Hours of its runs, 0–23, at least one.',
  repeatWeekdays: 'Weekdays of its runs, 0 (Sunday) to 6, at least one.',
  retentionDays:
    `Retention of its snapshots in days, ${RETENTION_DAYS.min}–${RETENTION_DAYS.max}; ${FOREVER} means no ` +
    'expiry.',
  timeZone: 'Time zone of the hours and weekdays, an IANA name such as `Asia/Shanghai`.',
}

/** More than there are hours or days in any list that makes sense; duplicates are taken as one. */
const LIST_MAX = 100
const shortList = z.array(z.unknown()).max(LIST_MAX, `A list has at most ${LIST_MAX} entries.`).nullish()

const POLICY_ID = { required: true, description: 'The policy, `asp-…`.' } as const
const DISK_IDS = {
  required: true,
  description: `The disks, \`v-…\`, 1–${PAGE_MAX}, each once.`,
  validate: z
    .array(z.string())
    .min(1, 'diskIds must have at least 1 entry.')
    .max(PAGE_MAX, `diskIds must have at most ${PAGE_MAX} entries.`)
    .refine((ids) => !hasRepetitions(ids), 'diskIds must not contain a disk twice.'),
} as const

const CreatePolicyInput = builder.inputType('CreateAutoSnapshotPolicyInput', {
  description: 'Input of `createAutoSnapshotPolicy`.',
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
  description: 'Input of `updateAutoSnapshotPolicy`. Omitted or null fields stay unchanged.',
  fields: (t) => ({
    policyId: t.id(POLICY_ID),
    name: t.string({ description: POLICY_FIELDS.name }),
    timePoints: t.intList({ description: POLICY_FIELDS.timePoints, validate: shortList }),
    repeatWeekdays: t.intList({ description: POLICY_FIELDS.repeatWeekdays, validate: shortList }),
    retentionDays: t.int({
      description: `${POLICY_FIELDS.retentionDays} Existing snapshots keep their retention.`,
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
      policy: t.expose('policy', { type: AutoSnapshotPolicy, description: 'The policy after the change.' }),
    }),
  })

const DeletePolicyInput = builder.inputType('DeleteAutoSnapshotPolicyInput', {
  description: 'Input of `deleteAutoSnapshotPolicy`.',
  fields: (t) => ({ policyId: t.id(POLICY_ID) }),
})

const DeletePolicyPayload = builder
  .objectRef<{ policyId: string }>('DeleteAutoSnapshotPolicyPayload')
  .implement({
    description: 'The policy and its run history were deleted. Its snapshots are kept.',
    fields: (t) => ({ policyId: t.exposeID('policyId', { description: 'The id of the deleted policy.' }) }),
  })

const LinkPolicyInput = builder.inputType('LinkAutoSnapshotPolicyInput', {
  description: 'Input of `linkAutoSnapshotPolicy`.',
  fields: (t) => ({ policyId: t.id(POLICY_ID), diskIds: t.idList(DISK_IDS) }),
})

const UnlinkPolicyInput = builder.inputType('UnlinkAutoSnapshotPolicyInput', {
  description: 'Input of `unlinkAutoSnapshotPolicy`.',
  fields: (t) => ({
    policyId: t.id(POLICY_ID),
    diskIds: t.idList(DISK_IDS),
    deleteSnapshots: t.boolean({
      defaultValue: false,
      description:
        'Whether to delete the automatic snapshots of these disks too. Those being created or read are kept.',
    }),
  }),
})

/** The result for one disk of several. */
interface LinkResult {
  diskId: string
  outcome: DiskRow | Refusal
}

const PolicyLinkResult = builder.objectRef<LinkResult>('AutoSnapshotPolicyLinkResult').implement({
  description: 'The result for one disk.',
  fields: (t) => ({
    diskId: t.exposeID('diskId', { description: 'The disk.' }),
    disk: t.field({
      type: Disk,
      nullable: true,
      description: 'The disk after the call; null if it was refused.',
      resolve: ({ outcome }) => (outcome instanceof Refusal ? null : outcome),
    }),
    refusal: t.field({
      type: UserError,
      nullable: true,
      description: 'The refusal; null if it was accepted.',
      resolve: ({ outcome }) => (outcome instanceof Refusal ? factsOf(outcome) : null),
    }),
  }),
})

const LinkPolicyPayload = builder.objectRef<LinkResult[]>('LinkAutoSnapshotPolicyPayload').implement({
  description: 'The disks were processed independently.',
  fields: (t) => ({
    results: t.field({
      type: [PolicyLinkResult],
      description: 'The result for each disk, in the order given.',
      resolve: (results) => results,
    }),
  }),
})

const UnlinkPolicyPayload = builder.objectRef<LinkResult[]>('UnlinkAutoSnapshotPolicyPayload').implement({
  description: 'The disks were processed independently.',
  fields: (t) => ({
    results: t.field({
      type: [PolicyLinkResult],
      description: 'The result for each disk, in the order given.',
      resolve: (results) => results,
    }),
  }),
})

builder.mutationFields((t) => ({
  createAutoSnapshotPolicy: t.field({
    type: CreatePolicyPayload,
    authScopes: { may: 'managePolicies' },
    description: `Creates an automatic snapshot policy. An account can have at most ${POLICIES_MAX}.`,
    errors: {
      types: [InvalidName, InvalidPolicy, PolicyQuotaExceeded],
      union: {
        name: 'CreateAutoSnapshotPolicyResult',
        description: 'The new policy, or a refusal.',
      },
    },
    args: { input: t.arg({ type: CreatePolicyInput, required: true, description: 'The input.' }) },
    resolve: async (_root, { input }, { gateway, viewer }) => ({
      policy: await gateway.policies.create(viewer, input),
    }),
  }),
  updateAutoSnapshotPolicy: t.field({
    type: UpdatePolicyPayload,
    authScopes: { may: 'managePolicies' },
    description:
      'Changes an automatic snapshot policy. A new schedule applies from now on; its past times are not caught ' +
      'up.',
    errors: {
      types: [PolicyNotFound, InvalidName, InvalidPolicy],
      union: {
        name: 'UpdateAutoSnapshotPolicyResult',
        description: 'The changed policy, or a refusal.',
      },
    },
    args: { input: t.arg({ type: UpdatePolicyInput, required: true, description: 'The input.' }) },
    resolve: async (_root, { input: { policyId, ...changes } }, { gateway, viewer }) => ({
      policy: await gateway.policies.update(viewer, policyId, withoutNulls(changes)),
    }),
  }),
  deleteAutoSnapshotPolicy: t.field({
    type: DeletePolicyPayload,
    authScopes: { may: 'managePolicies' },
    description: 'Deletes an automatic snapshot policy and unlinks its disks. Its snapshots are kept.',
    errors: {
      types: [PolicyNotFound],
      union: {
        name: 'DeleteAutoSnapshotPolicyResult',
        description: 'The id of the deleted policy, or a refusal.',
      },
    },
    args: { input: t.arg({ type: DeletePolicyInput, required: true, description: 'The input.' }) },
    resolve: async (_root, { input: { policyId } }, { gateway, viewer }) => {
      await gateway.policies.delete(viewer, policyId)
      return { policyId }
    },
  }),
  linkAutoSnapshotPolicy: t.field({
    type: LinkPolicyPayload,
    authScopes: { may: 'managePolicies' },
    description:
      'Links a policy to disks, each independently. A disk must be IN_USE and not linked to another policy. ' +
      'Refusals per disk: `DiskNotFound`, `DiskLinkedElsewhere`, `DiskStatusForbidsPolicy`.',
    errors: {
      types: [PolicyNotFound],
      union: {
        name: 'LinkAutoSnapshotPolicyResult',
        description: 'The result for each disk, or a refusal of the whole call.',
      },
    },
    args: { input: t.arg({ type: LinkPolicyInput, required: true, description: 'The input.' }) },
    resolve: async (_root, { input: { policyId, diskIds } }, { gateway, viewer }) =>
      paired(diskIds, await gateway.policies.link(viewer, policyId, diskIds)),
  }),
  unlinkAutoSnapshotPolicy: t.field({
    type: UnlinkPolicyPayload,
    authScopes: { may: 'managePolicies' },
    description:
      'Unlinks a policy from disks, each independently. Disks that are not linked to it stay unchanged. Refusals ' +
      'per disk: `DiskNotFound`, and `PolicyNotFound` if the policy was deleted during the call.',
    errors: {
      types: [PolicyNotFound],
      union: {
        name: 'UnlinkAutoSnapshotPolicyResult',
        description: 'The result for each disk, or a refusal of the whole call.',
      },
    },
    args: { input: t.arg({ type: UnlinkPolicyInput, required: true, description: 'The input.' }) },
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
