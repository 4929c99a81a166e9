import { Alert, App, Skeleton } from 'antd'
import { useCallback, type ReactNode } from 'react'
import { useQuery } from 'urql'
import { Link } from 'wouter'
import { SNAPSHOT_DETAILS, type DetailedSnapshot } from '../api/documents.ts'
import { useWords } from '../settings.tsx'
import type { Asked } from './dialog.tsx'
import { Failure } from './failure.tsx'

/** The one snapshot that a dialog is about, as it is now; undefined until it has been read. */
export function useWantedSnapshot({ wanted: [id = ''] }: Asked) {
  const [{ data, error }] = useQuery({ query: SNAPSHOT_DETAILS, variables: { id }, pause: id === '' })
  const snapshot: DetailedSnapshot | undefined = data?.snapshot?.id === id ? data.snapshot : undefined
  return { id, snapshot, error, missing: data?.snapshot === null }
}

/** What a dialog shows as long as it has no snapshot to be about. */
export function NoSnapshotYet({
  id,
  error,
  missing,
}: Omit<ReturnType<typeof useWantedSnapshot>, 'snapshot'>) {
  const words = useWords()
  if (error) return <Failure error={error} />
  if (missing) return <Alert type="error" showIcon title={words.noSnapshot(id)} />
  return <Skeleton />
}

/** Says for a while what has been begun, and where to look at it. */
export function useNotice() {
  const { message } = App.useApp()
  return useCallback(
    (text: string, link?: { to: string; label: string }) => {
      const content: ReactNode = link ? (
        <span>
          {text} <Link href={link.to}>{link.label}</Link>
        </span>
      ) : (
        text
      )
      void message.success(content, 6)
    },
    [message],
  )
}
