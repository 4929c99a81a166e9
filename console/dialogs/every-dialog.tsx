import type { LinkedDisk } from '../api/disk.ts'
import type { Token } from '../api/token.ts'
import { AttachDisk } from './attach-disk.tsx'
import { CancelOperation } from './cancel-operation.tsx'
import { CreateConnection } from './create-connection.tsx'
import { CreateDisk } from './create-disk.tsx'
import { CreateEmptyDisk } from './create-empty-disk.tsx'
import { CreateSnapshot } from './create-snapshot.tsx'
import { CreateToken } from './create-token.tsx'
import { DeleteConnection } from './delete-connection.tsx'
import { DeletePolicy } from './delete-policy.tsx'
import { DeleteSnapshots } from './delete-snapshots.tsx'
import { DetachDisk } from './detach-disk.tsx'
import { EditConnection } from './edit-connection.tsx'
import { EditDisk } from './edit-disk.tsx'
import { EditSnapshot } from './edit-snapshot.tsx'
import { EditTags } from './edit-tags.tsx'
import { LinkDisks } from './link-disks.tsx'
import { LinkPolicy } from './link-policy.tsx'
import { RegisterDisk } from './register-disk.tsx'
import { ReleaseDisk } from './release-disk.tsx'
import { ResizeDisk } from './resize-disk.tsx'
import { RevokeToken } from './revoke-token.tsx'
import { RollBackDisk } from './roll-back-disk.tsx'
import { SnapshotDetails } from './snapshot-details.tsx'
import { UnlinkPolicy } from './unlink-policy.tsx'
import { VerifySnapshot } from './verify-snapshot.tsx'
import { CreatePolicy, EditPolicy } from './write-policy.tsx'

export interface DialogsProps {
  /** The disk that the page is about. */
  disk?: LinkedDisk | undefined
  /** The API token that is to be revoked. */
  token?: Token | undefined
  /** Called when something was changed that no transition says: policies, links, tags, tokens and connections; and when snapshots were created. */
  onDone?: () => void
}

/** Everything that the address can open above a page. */
export function EveryDialog({ disk, token, onDone }: DialogsProps) {
  return (
    <>
      <CreateSnapshot onCreated={onDone} />
      <LinkPolicy onLinked={onDone} />
      {disk && <UnlinkPolicy disk={disk} onDone={onDone} />}
      <CreatePolicy onDone={onDone} />
      <EditPolicy onDone={onDone} />
      <DeletePolicy onDone={onDone} />
      <LinkDisks onDone={onDone} />
      <CreateToken onDone={onDone} />
      {token && <RevokeToken token={token} onDone={onDone} />}
      <SnapshotDetails />
      <EditSnapshot />
      <DeleteSnapshots />
      <RollBackDisk />
      <CreateDisk />
      <CreateEmptyDisk />
      <RegisterDisk />
      <EditDisk />
      <AttachDisk />
      <DetachDisk />
      <ResizeDisk />
      <ReleaseDisk />
      <VerifySnapshot />
      <EditTags onDone={onDone} />
      <CancelOperation />
      <CreateConnection onDone={onDone} />
      <EditConnection />
      <DeleteConnection onDone={onDone} />
    </>
  )
}
