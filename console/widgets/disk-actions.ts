import type { Format } from '../format.ts'
import type { Address } from '../address.ts'
import type { Disk, DiskRow } from '../api/disk.ts'
import type { Words } from '../words/en.ts'
import type { Action } from './actions.tsx'
import { cancelActions } from './cancel-action.ts'
import { reasonAgainst, whyNot, whyNotLink } from './refusal.ts'

/** What can be done with a disk first of all. */
export function firstDiskActions(disk: DiskRow, address: Address, words: Words, format: Format): Action[] {
  const { id } = disk
  return [
    {
      key: 'create',
      label: words.createSnapshot,
      needs: 'manageSnapshots',
      run: () => address.change({ create: id }),
      refusal: whyNot(disk, words, format),
    },
    {
      key: 'link',
      label: words.policy.link,
      needs: 'managePolicies',
      run: () => address.change({ link: id }),
      refusal: whyNotLink(disk, words),
    },
  ]
}

/** What can be done with a disk. Each opens its dialog by the address; why it cannot be done now says the API. */
export function diskActions(disk: Disk, address: Address, words: Words, format: Format): Action[] {
  const ofDisk = (key: string, label: string, eligibility: Disk['updateEligibility']): Action => ({
    key,
    label,
    needs: 'manageDisks',
    run: () => address.change({ [key]: disk.id }),
    refusal: reasonAgainst(eligibility, words, format),
  })
  return [
    ...firstDiskActions(disk, address, words, format),
    ofDisk('attach', words.attaching.action, disk.attachEligibility),
    ofDisk('detach', words.detaching.action, disk.detachEligibility),
    ofDisk('resize', words.resizing.action, disk.resizeEligibility),
    ofDisk('edit-disk', words.edit, disk.updateEligibility),
    ...cancelActions(disk, address, words),
    { ...ofDisk('release', words.releasing.action, disk.releaseEligibility), danger: true },
  ]
}
