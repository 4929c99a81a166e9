import { Alert } from 'antd'
import type { Disk } from '../api/disk.ts'
import { useFormat } from '../format.ts'
import { useWords } from '../settings.tsx'
import { DiskStatusTag } from './status.tsx'

type Summarized = Pick<Disk, 'id' | 'name' | 'kind' | 'status' | 'statusReason' | 'statusReasons' | 'sizeGiB'>

/** Which disk it is about, in one line. */
export function DiskSummary({ disk, withName = true }: { disk: Summarized; withName?: boolean }) {
  const words = useWords()
  const format = useFormat()
  return (
    <div className="summary">
      {withName && <strong>{disk.name}</strong>}
      {withName && <code>{disk.id}</code>}
      <DiskStatusTag status={disk.status} of={disk} />
      <span>{words.diskKind[disk.kind]}</span>
      <span>{format.gib(disk.sizeGiB)}</span>
    </div>
  )
}

/** Says which of these disks there are not; nothing when all were found. */
export function MissingDisks({ ids, found }: { ids: readonly string[]; found: readonly Disk[] }) {
  const words = useWords()
  const missing = ids.filter((id) => !found.some((disk) => disk.id === id))
  if (missing.length === 0) return null
  return (
    <Alert type="error" showIcon title={words.noDisk(missing.join(', '))} description={words.noDiskHint} />
  )
}
