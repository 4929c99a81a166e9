import type { Address } from '../address.ts'
import type { Operation } from '../api/operation.ts'
import type { Words } from '../words/en.ts'
import type { Action } from './actions.tsx'

/** What cancels the operation on the disk or snapshot with this id; nothing while there is none. */
export function cancelActions(
  id: string,
  operation: Operation | null,
  address: Address,
  { cancellation }: Words,
): Action[] {
  if (!operation) return []
  return [
    {
      key: 'cancel',
      label: cancellation.action,
      needs: id.startsWith('v-') ? 'manageDisks' : 'manageSnapshots',
      run: () => address.change({ cancel: id }),
      refusal: operation.cancelRequestedAt === null ? undefined : cancellation.requested,
    },
  ]
}
