import { subjectOf } from '../../domain/job.ts'
import { reasonsIn } from '../../domain/reasons.ts'
import type { OperationKind as Kind } from '../../domain/job.ts'
import type { Job } from '../../generated/prisma/client.ts'
import { percent } from '../../transitions/progress.ts'
import { builder } from '../builder.ts'
import type { Context } from '../context.ts'
import { costing } from '../hints.ts'
import { Reason, SENTENCES } from './reason.ts'

export const OperationKind = builder.enumType('OperationKind', {
  description: 'Kind of a background operation.',
  values: {
    COPY_SNAPSHOT: { description: 'Copies the data of a snapshot.' },
    DELETE_SNAPSHOT: { description: 'Removes the data of a snapshot.' },
    VERIFY_SNAPSHOT: { description: 'Verifies the copy of a snapshot.' },
    CREATE_DISK: { description: 'Creates a disk.' },
    ATTACH_DISK: { description: 'Attaches a disk.' },
    DETACH_DISK: { description: 'Detaches a disk.' },
    RESIZE_DISK: { description: 'Enlarges a disk.' },
    ROLL_BACK_DISK: { description: 'Rolls a disk back to a snapshot.' },
    RELEASE_DISK: { description: 'Releases a disk.' },
  },
} as const)

/** How far the work is: measured where it runs here, else as it was last saved. */
export function percentOf(job: Job, { gateway, fleeting }: Context): number | null {
  fleeting?.()
  const live = gateway.progress.get(subjectOf(job))
  return live ? percent(live) : job.progress
}

export const Operation = builder.objectRef<Job & { kind: Kind }>('Operation').implement({
  description:
    'A background operation. It continues after crashes and restarts, and disappears when it ends.',
  fields: (t) => ({
    kind: t.expose('kind', { type: OperationKind, description: 'Its kind.' }),
    acceptedAt: t.field({
      type: 'DateTime',
      description: 'When it was accepted.',
      resolve: ({ createdAt }) => createdAt,
    }),
    percent: t.int({
      nullable: true,
      description: 'Percent done, measured in bytes of data; null if unknown, or if no data is moved.',
      resolve: (job, _args, context) => percentOf(job, context),
    }),
    stalledSince: t.expose('stalledSince', {
      type: 'DateTime',
      nullable: true,
      description:
        'When transient faults began to delay it; null if they do not. It is retried automatically.',
    }),
    cancelRequestedAt: t.expose('cancelRequestedAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When `cancelOperation` was called for it; null if it was not.',
    }),
    stallReason: t.exposeString('stallReason', {
      nullable: true,
      description: 'The latest of these faults, as a sentence; null if there is none.',
    }),
    stallReasons: t.field({
      ...costing(0, SENTENCES),
      type: [Reason],
      description: '`stallReason` for programs, sentence by sentence; empty if it is null.',
      resolve: ({ stallReason }) => reasonsIn(stallReason),
    }),
  }),
})
