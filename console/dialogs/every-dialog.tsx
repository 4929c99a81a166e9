import { CreateDisk } from './create-disk.tsx'
import { DeleteSnapshots } from './delete-snapshots.tsx'
import { EditSnapshot } from './edit-snapshot.tsx'
import { RollBackDisk } from './roll-back-disk.tsx'

/** Everything that can be done with snapshots that are there, each in a dialog that the address opens. */
export function SnapshotDialogs() {
  return (
    <>
      <EditSnapshot />
      <DeleteSnapshots />
      <RollBackDisk />
      <CreateDisk />
    </>
  )
}
