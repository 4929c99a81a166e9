import { typeOfId } from '../../domain/id.ts'
import {
  DiskNotFound,
  NothingInProgress,
  OperationNotCancellable,
  SnapshotNotFound,
} from '../../domain/refusals.ts'
import type { OperationSubject } from '../../services/operations.ts'
import { builder } from '../builder.ts'
import { idOf } from '../id-argument.ts'
import { Disk, Snapshot } from './nodes.ts'

const CancelOperationInput = builder.inputType('CancelOperationInput', {
  description: 'Which operation is to be cancelled.',
  fields: (t) => ({
    id: t.id({
      required: true,
      description: 'The snapshot, `s-…`, or the disk, `v-…`, whose `operation` is to be cancelled.',
    }),
  }),
})

const CancelOperationPayload = builder.objectRef<OperationSubject>('CancelOperationPayload').implement({
  description: 'The cancellation was accepted; the runner ends the operation.',
  fields: (t) => ({
    snapshot: t.expose('snapshot', {
      type: Snapshot,
      nullable: true,
      description: 'The snapshot; null if the operation is one on a disk.',
    }),
    disk: t.expose('disk', {
      type: Disk,
      nullable: true,
      description: 'The disk; null if the operation is one on a snapshot.',
    }),
  }),
})

builder.mutationFields((t) => ({
  cancelOperation: t.field({
    type: CancelOperationPayload,
    authScopes: (_root, { input }) => ({
      may: typeOfId(input.id) === 'Disk' ? 'manageDisks' : 'manageSnapshots',
    }),
    description:
      'Cancels the operation that is in progress on a snapshot or disk. Answers at once; the operation then ends with the ' +
      'reason "Cancelled on request.", and no partial data is left behind: a snapshot that was CREATING becomes FAILED, a ' +
      'deletion goes back to the status before, a disk that was CREATING becomes ERROR, any other disk shows what it is. ' +
      'Once bytes of a snapshot have been removed its deletion completes, and an operation that completes before the runner ' +
      'stops it stays completed. Repeating the call is harmless. Checked in this order: snapshot or disk, operation.',
    errors: {
      types: [SnapshotNotFound, DiskNotFound, NothingInProgress, OperationNotCancellable],
      union: {
        name: 'CancelOperationResult',
        description: 'What the operation works on, or why it cannot be cancelled.',
      },
    },
    args: { input: t.arg({ type: CancelOperationInput, required: true, description: 'What to cancel.' }) },
    resolve: (_root, { input }, { gateway, viewer }) => {
      const id = typeOfId(input.id) === 'Disk' ? input.id : idOf('Snapshot', input.id)
      return gateway.operations.cancel(viewer, id)
    },
  }),
}))
