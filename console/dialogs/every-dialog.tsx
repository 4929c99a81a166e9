import type { Disk } from '../api/disk.ts'
import { CancelOperation } from './cancel-operation.tsx'
import { CreateDisk } from './create-disk.tsx'
import { CreateSnapshot } from './create-snapshot.tsx'
import { DeleteSnapshots } from './delete-snapshots.tsx'
import { EditSnapshot } from './edit-snapshot.tsx'
import { LinkPolicy } from './link-policy.tsx'
import { RollBackDisk } from './roll-back-disk.tsx'
import { SnapshotDetails } from './snapshot-details.tsx'
import { UnlinkPolicy } from './unlink-policy.tsx'

export interface DialogsProps {
  /** The disk that the page is about. */
  disk?: Disk | undefined
  /** Called when snapshots were created of the disks that the address names, or a policy was linked to them. */
  onDone?: () => void
}

/** Everything that the address can open above a page. */
export function EveryDialog({ disk, onDone }: DialogsProps) {
  return (
    <>
      <CreateSnapshot onCreated={onDone} />
      <LinkPolicy onLinked={onDone} />
      {disk && <UnlinkPolicy disk={disk} />}
      <SnapshotDetails />
      <EditSnapshot />
      <DeleteSnapshots />
      <RollBackDisk />
      <CreateDisk />
      <CancelOperation />
    </>
  )
}
