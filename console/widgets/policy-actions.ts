import type { Address } from '../address.ts'
import type { Words } from '../words/en.ts'
import type { Action } from './actions.tsx'

/** What can be done with a policy. Each opens its dialog by the address. */
export function policyActions(id: string, address: Address, { policy: words, ...common }: Words): Action[] {
  const action = (key: string, label: string): Action => ({
    key,
    label,
    needs: 'managePolicies',
    run: () => address.change({ [key]: id }),
  })
  return [
    action('link-disks', words.linkDisks),
    action('edit-policy', common.edit),
    { ...action('delete-policy', common.delete), danger: true },
  ]
}
