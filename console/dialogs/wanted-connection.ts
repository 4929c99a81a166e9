import { useQuery } from 'urql'
import { CONNECTION_DETAILS, connectionIn } from '../api/connection.ts'
import { useConnectionWords } from '../words/connections.ts'
import type { Asked } from './dialog.tsx'

/** The one connection that a dialog is about, and how much the gateway shows of it; undefined until it has been read. */
export function useWantedConnection({ wanted: [id = ''] }: Asked) {
  const words = useConnectionWords()
  const [{ data, error }] = useQuery({ query: CONNECTION_DETAILS, variables: { id }, pause: id === '' })
  const found = connectionIn(data)
  return {
    connection: found?.id === id ? found : undefined,
    counts: data && { disks: data.disks.totalCount, snapshots: data.snapshots.totalCount },
    error,
    missing: found === null ? words.missing(id) : undefined,
  }
}
