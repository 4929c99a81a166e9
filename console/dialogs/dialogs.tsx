import { useAddress } from '../address.ts'
import { lazyPart } from '../widgets/lazy.tsx'
import type { DialogsProps } from './every-dialog.tsx'

/** The parameters of the address that open a dialog or a drawer. */
const NAMES = [
  'attach',
  'cancel',
  'create',
  'create-connection',
  'create-disk',
  'create-empty',
  'create-policy',
  'create-token',
  'delete',
  'delete-connection',
  'delete-policy',
  'detach',
  'edit',
  'edit-connection',
  'edit-disk',
  'edit-policy',
  'edit-tags',
  'link',
  'link-disks',
  'register',
  'release',
  'resize',
  'revoke-token',
  'roll-back',
  'show',
  'unlink',
  'verify',
]

/** Loaded once the address asks for a dialog, or the browser is idle: no page needs them to be drawn. */
export const LazyDialogs = lazyPart(async () => (await import('./every-dialog.tsx')).EveryDialog, null)

const asksForDialog = (parameters: URLSearchParams) => NAMES.some((name) => parameters.has(name))

/** What the address can open above a page. */
export function Dialogs(props: DialogsProps) {
  const { parameters } = useAddress()
  const asks = asksForDialog(parameters)
  // Those that were open stay, to close as they should; what could not be loaded goes with the wish for it.
  if (!asks && !LazyDialogs.isLoaded()) return null
  return (
    <div className="dialogs">
      <LazyDialogs {...props} />
    </div>
  )
}

/** Begins to load them if this address asks for one. */
export function preloadDialogs(search: string): void {
  if (asksForDialog(new URLSearchParams(search))) void LazyDialogs.preload()
}
