import type { Format } from '../format.ts'
import type { Address } from '../address.ts'
import type { Snapshot } from '../api/snapshot.ts'
import type { Words } from '../words/en.ts'
import type { Action } from './actions.tsx'
import { cancelActions } from './cancel-action.ts'
import { reasonAgainst } from './refusal.ts'

/** What can be done with a snapshot. Each opens its dialog by the address; why it cannot be done now says the API. */
export function snapshotActions(
  snapshot: Snapshot,
  address: Address,
  words: Words,
  format: Format,
): Action[] {
  const { id, rollBackEligibility, createDiskEligibility } = snapshot
  const { verifyEligibility, updateEligibility, deleteEligibility } = snapshot
  return [
    {
      key: 'roll-back',
      label: words.rollBack,
      needs: 'manageDisks',
      run: () => address.change({ 'roll-back': id }),
      refusal: rollBackEligibility
        ? reasonAgainst(rollBackEligibility, words, format)
        : words.rollingBack.released,
    },
    {
      key: 'create-disk',
      label: words.createDisk,
      needs: 'manageDisks',
      run: () => address.change({ 'create-disk': id }),
      refusal: reasonAgainst(createDiskEligibility, words, format),
    },
    {
      key: 'verify',
      label: words.verification.action,
      needs: 'manageSnapshots',
      run: () => address.change({ verify: id }),
      refusal: reasonAgainst(verifyEligibility, words, format),
    },
    {
      key: 'edit',
      label: words.edit,
      needs: 'manageSnapshots',
      run: () => address.change({ edit: id }),
      refusal: reasonAgainst(updateEligibility, words, format),
    },
    ...cancelActions(snapshot, address, words),
    { key: 'details', label: words.details, run: () => address.change({ show: id }) },
    {
      key: 'delete',
      label: words.delete,
      needs: 'manageSnapshots',
      run: () => address.change({ delete: id }),
      refusal: reasonAgainst(deleteEligibility, words, format),
      danger: true,
    },
  ]
}
