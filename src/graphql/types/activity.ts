import { ACTIVITY_ACTIONS } from '../../domain/activity.ts'
import { ACTOR_KINDS, readActor, type Actor as ActorFacts } from '../../domain/actor.ts'
import type { OperationKind } from '../../domain/job.ts'
import type { Activity as ActivityRow, Job } from '../../generated/prisma/client.ts'
import { ACTIVITY_ORDERS, type Reads } from '../../reads/reads.ts'
import { reasonsIn } from '../../domain/reasons.ts'
import { builder } from '../builder.ts'
import { connect } from '../connection.ts'
import { READ, rowHints } from '../hints.ts'
import { Reason, SENTENCES } from './reason.ts'
import { Operation } from './operation.ts'
import { COMPARISON_LIMITS, DateTimeFilter, IDFilter } from './filters.ts'

const described = <Name extends string>(values: Readonly<Record<Name, string>>) =>
  Object.fromEntries(
    Object.entries<string>(values).map(([name, description]) => [name, { description }]),
  ) as Record<Name, { description: string }>

const ActorKind = builder.enumType('ActorKind', {
  description: 'The kind of cause that a change has.',
  values: described(ACTOR_KINDS),
})

/** Who or what caused a change. */
export const Actor = builder.objectRef<ActorFacts>('Actor').implement({
  description: 'Who or what caused a change.',
  fields: (t) => ({
    kind: t.expose('kind', { type: ActorKind, description: 'The kind of cause.' }),
    actorId: t.exposeID('id', {
      nullable: true,
      description: 'The id of the API token or policy, or the `sub` of the JWT; null for other kinds.',
    }),
    name: t.exposeString('name', {
      nullable: true,
      description: 'The name of the API token or policy at that moment; null for other kinds.',
    }),
    requestId: t.exposeID('requestId', {
      nullable: true,
      description:
        'The id of the request, as its answer and the log of operations have it; null if there was none.',
    }),
  }),
})

/** The actor that is stored with a transition. */
export const storedActor = ({ actor }: { actor: string | null }) => readActor(actor)

const ActivityAction = builder.enumType('ActivityAction', {
  description: 'What was done.',
  values: described(ACTIVITY_ACTIONS),
})

const ActivityResult = builder.enumType('ActivityResult', {
  description: 'How a change ended.',
  values: {
    IN_PROGRESS: { description: 'It was accepted; its operation has not ended yet.' },
    SUCCEEDED: { description: 'It was done.' },
    FAILED: { description: 'Its operation failed; `reason` has why.' },
    CANCELLED: { description: 'Its operation was cancelled on request.' },
  },
} as const)

const Activity = builder.objectRef<ActivityRow>('Activity').implement({
  description:
    'A change of one thing: who or what asked for it, when, and how it ended. Requests that were refused changed ' +
    'nothing and are not among them.',
  fields: (t) => ({
    id: t.exposeID('id', { description: 'Its id: `act-` and at least 8 letters and digits.' }),
    at: t.expose('at', { type: 'DateTime', description: 'When it was accepted.' }),
    action: t.expose('action', { type: ActivityAction, description: 'What was done.' }),
    subjectId: t.exposeID('subjectId', {
      description: 'The id of what was changed: a disk, snapshot, policy, API token or connection.',
    }),
    subjectName: t.exposeString('subjectName', {
      nullable: true,
      description: 'Its name before the change; null if it is not known.',
    }),
    diskId: t.exposeID('diskId', {
      nullable: true,
      description: 'The disk concerned, even if it was released; null if there is none.',
    }),
    snapshotId: t.exposeID('snapshotId', {
      nullable: true,
      description: 'The snapshot concerned, even if it was deleted; null if there is none.',
    }),
    result: t.expose('result', { type: ActivityResult, description: 'How it ended.' }),
    reason: t.exposeString('reason', {
      nullable: true,
      description: 'Why it failed or was cancelled, as a sentence; null otherwise.',
    }),
    reasons: t.field({
      ...rowHints({ reads: ['reason'], costs: 0, entries: SENTENCES }),
      type: [Reason],
      description: '`reason` for programs, sentence by sentence; empty if it is null.',
      resolve: ({ reason }) => reasonsIn(reason),
    }),
    endedAt: t.expose('endedAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When it ended; null while it is in progress.',
    }),
    operation: t.field({
      ...rowHints({ reads: ['endedAt', 'diskId', 'snapshotId'], costs: READ }),
      type: Operation,
      nullable: true,
      description: 'The operation in progress that it asked for; null if there is none, or if it has ended.',
      resolve: ({ id, endedAt, diskId, snapshotId }, _args, { reads }) =>
        endedAt === null ? jobOf(id, reads, { diskId, snapshotId }) : null,
    }),
    actor: t.field({
      ...rowHints({ reads: ['actorKind', 'actorId', 'actorName', 'requestId'], costs: 0 }),
      type: Actor,
      description: 'Who or what caused it.',
      resolve: ({ actorKind: kind, actorId: id, actorName: name, requestId }) => ({
        kind,
        id,
        name,
        requestId,
      }),
    }),
    clientAddress: t.exposeString('clientAddress', {
      nullable: true,
      description:
        'The IP address that the request came from: behind a proxy, that of the proxy. Null if no request made the ' +
        'change, as for policies, and for changes of versions that did not store it.',
    }),
  }),
})

function jobOf(
  id: string,
  reads: Reads,
  { diskId, snapshotId }: Pick<ActivityRow, 'diskId' | 'snapshotId'>,
): (Job & { kind: OperationKind }) | null {
  const jobs = snapshotId === null ? reads.diskJobs(diskId ?? '') : reads.snapshotJobs(snapshotId)
  const found = jobs.find(({ activityId }) => activityId === id)
  return found && isOperation(found) ? found : null
}

const isOperation = (job: Job): job is Job & { kind: OperationKind } => job.kind !== 'CLEAN_UP'

const ActivityConnection = builder.connectionObject(
  { type: Activity, name: 'ActivityConnection', description: 'A page of activity.' },
  { name: 'ActivityEdge', description: 'A change in a list.' },
)

const ActivityActionFilter = builder.inputType('ActivityActionFilter', {
  description: 'Compares what was done. All given comparisons must hold.',
  validate: COMPARISON_LIMITS,
  fields: (t) => ({
    eq: t.field({ type: ActivityAction, description: 'Equals this action.' }),
    in: t.field({ type: [ActivityAction], description: 'Equals one of these actions.' }),
  }),
})

const ActivityResultFilter = builder.inputType('ActivityResultFilter', {
  description: 'Compares how a change ended. All given comparisons must hold.',
  validate: COMPARISON_LIMITS,
  fields: (t) => ({
    eq: t.field({ type: ActivityResult, description: 'Equals this result.' }),
    in: t.field({ type: [ActivityResult], description: 'Equals one of these results.' }),
  }),
})

const ActorKindFilter = builder.inputType('ActorKindFilter', {
  description: 'Compares the kind of an actor. All given comparisons must hold.',
  validate: COMPARISON_LIMITS,
  fields: (t) => ({
    eq: t.field({ type: ActorKind, description: 'Equals this kind.' }),
    in: t.field({ type: [ActorKind], description: 'Equals one of these kinds.' }),
  }),
})

const ActivityFilter = builder.inputType('ActivityFilter', {
  description: 'Filter for activity. All given conditions must hold.',
  fields: (t) => ({
    diskId: t.field({ type: IDFilter, description: 'By the disk concerned.' }),
    snapshotId: t.field({ type: IDFilter, description: 'By the snapshot concerned.' }),
    actorId: t.field({
      type: IDFilter,
      description: 'By the id of the API token or policy, or the `sub` of the JWT.',
    }),
    actorKind: t.field({ type: ActorKindFilter, description: 'By the kind of cause.' }),
    action: t.field({ type: ActivityActionFilter, description: 'By what was done.' }),
    result: t.field({ type: ActivityResultFilter, description: 'By how it ended.' }),
    at: t.field({ type: DateTimeFilter, description: 'By when it was accepted.' }),
  }),
})

const NEWEST_FIRST = { field: 'AT', direction: 'DESC' } as const

builder.queryField('activity', (t) =>
  t.connection(
    {
      type: Activity,
      description:
        'The changes in the account, newest first: by clients, policies, retentions and commands. Each is kept for ' +
        'ACTIVITY_RETENTION_DAYS (90 by default), and for as long as its operation is in progress.',
      args: { filter: t.arg({ type: ActivityFilter, description: 'Filter. Default: all.' }) },
      resolve: (_root, args, context, info) =>
        connect(context.reads.activity(args.filter), ACTIVITY_ORDERS, NEWEST_FIRST, args, context, info),
    },
    ActivityConnection,
  ),
)
