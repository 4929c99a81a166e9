import { subjectOf } from '../../domain/job.ts'
import type { Job } from '../../generated/prisma/client.ts'
import { percent } from '../../transitions/progress.ts'
import { builder } from '../builder.ts'
import type { Context } from '../context.ts'

export const OperationKind = builder.enumType('OperationKind', {
  description: 'What is in progress in the background.',
  values: {
    COPY_SNAPSHOT: { description: 'The bytes of a snapshot are being copied.' },
    DELETE_SNAPSHOT: { description: 'The bytes of a snapshot are being removed.' },
    VERIFY_SNAPSHOT: { description: 'The copy of a snapshot is being read again.' },
    CREATE_DISK: { description: 'A disk is being made.' },
    ATTACH_DISK: { description: 'A disk is being attached.' },
    DETACH_DISK: { description: 'A disk is being detached.' },
    RESIZE_DISK: { description: 'A disk is being made larger.' },
    ROLL_BACK_DISK: { description: 'A disk is being set back to a snapshot.' },
    RELEASE_DISK: { description: 'A disk is being given up.' },
  },
} as const)

/** How far the work is: measured where it runs here, else as it was last saved. */
export function percentOf(job: Job, { gateway, fleeting }: Context): number | null {
  fleeting?.()
  const live = gateway.progress.get(subjectOf(job))
  return live ? percent(live) : job.progress
}

export const Operation = builder.objectRef<Job>('Operation').implement({
  description:
    'Work in the background. It is carried to its end by itself, through crashes and restarts, and is gone when it has ended.',
  fields: (t) => ({
    kind: t.expose('kind', { type: OperationKind, description: 'What is done.' }),
    acceptedAt: t.field({
      type: 'DateTime',
      description: 'When it was accepted.',
      resolve: ({ createdAt }) => createdAt,
    }),
    percent: t.int({
      nullable: true,
      description:
        'Percent done, measured in bytes of data; null while not known, or where no bytes are moved.',
      resolve: (job, _args, context) => percentOf(job, context),
    }),
    stalledSince: t.expose('stalledSince', {
      type: 'DateTime',
      nullable: true,
      description: 'Since when faults that may pass keep it from going on; null while all is well.',
    }),
    cancelRequestedAt: t.expose('cancelRequestedAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When `cancelOperation` was called for it; null if it was not.',
    }),
    stallReason: t.exposeString('stallReason', {
      nullable: true,
      description: 'What the last of these faults was, in a sentence; null while all is well.',
    }),
  }),
})
