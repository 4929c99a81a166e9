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
  description: 'Input of `cancelOperation`.',
  fields: (t) => ({
    id: t.id({
      required: true,
      description: 'The snapshot, `s-…`, or disk, `v-…`, whose `operation` to cancel.',
    }),
  }),
})

const CancelOperationPayload = builder.objectRef<OperationSubject>('CancelOperationPayload').implement({
  description: 'The cancellation was accepted. The operation ends in the background.',
  fields: (t) => ({
    snapshot: t.expose('snapshot', {
      type: Snapshot,
      nullable: true,
      description: 'The snapshot; null if the operation is on a disk.',
    }),
    disk: t.expose('disk', {
      type: Disk,
      nullable: true,
      description: 'The disk; null if the operation is on a snapshot.',
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
      'Cancels the operation in progress on a snapshot or disk. Returns immediately; the operation then ends ' +
      'with the reason "Cancelled on request." and leaves no partial data. A snapshot that was CREATING becomes ' +
      'FAILED, a deletion returns to the previous status, a disk that was CREATING becomes ERROR, any other disk ' +
      'returns to its observed status. An operation whose effect can no longer be undone is refused, and completes. ' +
      'A transition whose `from` and `to` are equal announces the cancellation; a verification, which changes no ' +
      'status, also ends with one. The call is idempotent. Order of checks: snapshot or disk, operation.',
    errors: {
      types: [SnapshotNotFound, DiskNotFound, NothingInProgress, OperationNotCancellable],
      union: {
        name: 'CancelOperationResult',
        description: 'The snapshot or disk of the operation, or a refusal.',
      },
    },
    args: { input: t.arg({ type: CancelOperationInput, required: true, description: 'The input.' }) },
    resolve: (_root, { input }, { gateway, viewer }) => {
      const id = typeOfId(input.id) === 'Disk' ? input.id : idOf('Snapshot', input.id)
      return gateway.operations.cancel(viewer, id)
    },
  }),
}))
