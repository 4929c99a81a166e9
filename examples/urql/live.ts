import { CREATE, LIST, WATCH, type CreateData, type ListData, type WatchData } from '../documents.ts'
import type { App } from '../page.ts'
import { readAgain } from '../read-again.ts'
import { client } from './client.ts'

export const live: App['live'] = async (show, onStep) => {
  client.query<ListData>(LIST, {}).subscribe(({ data }) => data && show(data.snapshots.nodes))
  const { data } = await client.query<ListData>(LIST, {})
  const after = data?.snapshots.streamCursor
  const refetch = readAgain(async () => {
    const { error } = await client.query(LIST, {}, { requestPolicy: 'network-only' }).toPromise()
    if (error) throw error
  })
  client.subscription<WatchData>(WATCH, { after }).subscribe(({ data }) => {
    if (!data) return
    onStep(data.snapshotTransitions)
    const { from, to } = data.snapshotTransitions
    if (from === null || to === 'DELETED') refetch()
  })
}

export const create: App['create'] = async (diskId, name) => {
  const { data, error } = await client.mutation<CreateData>(CREATE, { diskId, name })
  if (error) throw error
  return data?.createSnapshot.message
}
