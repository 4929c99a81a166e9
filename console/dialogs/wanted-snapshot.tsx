import { Alert, App, Skeleton } from 'antd'
import { useCallback, type ReactNode } from 'react'
import { useQuery, type CombinedError } from 'urql'
import { Link } from 'wouter'
import { DISK } from '../api/disk.ts'
import { graphql, type ResultOf } from '../api/graphql.ts'
import { NOTES, SNAPSHOT } from '../api/snapshot.ts'
import { TRANSITION } from '../api/transitions.ts'
import { useWords } from '../settings.tsx'
import { Failure } from '../widgets/failure.tsx'
import type { Asked } from './dialog.tsx'

/** One snapshot, with all there is to say of it. */
export const SNAPSHOT_DETAILS = graphql(
  `
    query SnapshotDetails($id: ID!) {
      snapshot(id: $id) {
        ...Snapshot
        ...Notes
        checksum
        consistency
        provider
        origin
        connection {
          id
          name
        }
        upstream {
          id
          status
        }
        createDiskSizeGiB {
          min
          max
        }
        disk {
          ...Disk
        }
        transitions {
          ...Transition
        }
      }
    }
  `,
  [SNAPSHOT, NOTES, DISK, TRANSITION],
)

export type DetailedSnapshot = NonNullable<ResultOf<typeof SNAPSHOT_DETAILS>['snapshot']>

/** The one snapshot that a dialog is about, as it is now; undefined until it has been read. */
export function useWantedSnapshot({ wanted: [id = ''] }: Asked) {
  const words = useWords()
  const [{ data, error }] = useQuery({ query: SNAPSHOT_DETAILS, variables: { id }, pause: id === '' })
  const snapshot: DetailedSnapshot | undefined = data?.snapshot?.id === id ? data.snapshot : undefined
  return { snapshot, error, missing: data?.snapshot === null ? words.noSnapshot(id) : undefined }
}

interface NothingYetProps {
  error: CombinedError | undefined
  /** What is said when there is no such thing. */
  missing: string | undefined
}

/** What a dialog shows as long as it has nothing to be about. */
export function NothingYet({ error, missing }: NothingYetProps) {
  if (error) return <Failure error={error} />
  return missing === undefined ? <Skeleton /> : <Alert type="error" showIcon title={missing} />
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
