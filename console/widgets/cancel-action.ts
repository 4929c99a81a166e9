import type { Address } from '../address.ts'
import type { Disk } from '../api/disk.ts'
import type { Snapshot } from '../api/snapshot.ts'
import type { Words } from '../words/en.ts'
import type { Action } from './actions.tsx'
import { whyNotCancel } from './refusal.ts'

/** What cancels the operation on a disk or snapshot; nothing while there is none. */
export function cancelActions(
  { id, operation, cancelEligibility }: Pick<Disk | Snapshot, 'id' | 'operation' | 'cancelEligibility'>,
  address: Address,
  words: Words,
): Action[] {
  if (!operation) return []
  const isRequested = operation.cancelRequestedAt !== null
  return [
    {
      key: 'cancel',
      label: words.cancellation.action,
      needs: id.startsWith('v-') ? 'manageDisks' : 'manageSnapshots',
      run: () => address.change({ cancel: id }),
      refusal: isRequested ? words.cancellation.requested : whyNotCancel(cancelEligibility, words),
    },
  ]
}
