import { useQuery } from 'urql'
import { DISK, type Disk } from '../api/disk.ts'
import { graphql } from '../api/graphql.ts'
import { useWords } from '../settings.tsx'
import type { Asked } from './dialog.tsx'

/** The disk that a dialog is about. */
const WANTED_DISK = graphql(
  `
    query WantedDisk($id: ID!) {
      disk(id: $id) {
        ...Disk
      }
    }
  `,
  [DISK],
)

/** The one disk that a dialog is about, as it is now; undefined until it has been read. */
export function useWantedDisk({ wanted: [id = ''] }: Asked) {
  const words = useWords()
  const [{ data, error }] = useQuery({ query: WANTED_DISK, variables: { id }, pause: id === '' })
  const disk: Disk | undefined = data?.disk?.id === id ? data.disk : undefined
  return { disk, error, missing: data?.disk === null ? words.noDisk(id) : undefined }
}
