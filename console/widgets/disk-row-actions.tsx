import { useState } from 'react'
import { useQuery } from 'urql'
import { useAddress } from '../address.ts'
import { DISK, type DiskRow } from '../api/disk.ts'
import { graphql } from '../api/graphql.ts'
import { useFormat } from '../format.ts'
import { useWords } from '../settings.tsx'
import { RowActions } from './actions.tsx'
import { diskActions, firstDiskActions } from './disk-actions.ts'

/** What can be done with a disk of a list, which is asked for when its menu is opened. */
const DISK_ACTIONS = graphql(
  `
    query DiskActions($id: ID!) {
      disk(id: $id) {
        ...Disk
      }
    }
  `,
  [DISK],
)

/** The actions of a disk in a list: the first one as it is, all in a menu. */
export function DiskRowActions({ disk: row, shown }: { disk: DiskRow; shown: number }) {
  const words = useWords()
  const format = useFormat()
  const address = useAddress()
  const [isOpened, setOpened] = useState(false)
  const [{ data }] = useQuery({ query: DISK_ACTIONS, variables: { id: row.id }, pause: !isOpened })
  const disk = data?.disk
  return (
    <RowActions
      of={row.name}
      shown={shown}
      onOpen={() => setOpened(true)}
      actions={
        disk ? diskActions(disk, address, words, format) : firstDiskActions(row, address, words, format)
      }
    />
  )
}
