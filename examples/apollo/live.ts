import { gql, type TypedDocumentNode } from '@apollo/client'
import { CREATE, LIST, WATCH, type CreateData, type ListData, type WatchData } from '../documents.ts'
import type { App } from '../page.ts'
import { readAgain } from '../read-again.ts'
import { client } from './client.ts'

const list: TypedDocumentNode<ListData> = gql(LIST)
const watch: TypedDocumentNode<WatchData> = gql(WATCH)
const createSnapshot: TypedDocumentNode<CreateData> = gql(CREATE)

export const live: App['live'] = async (show, onStep) => {
  const listed = client.watchQuery({ query: list })
  listed.subscribe(({ data, dataState }) => dataState === 'complete' && show(data.snapshots.nodes))
  const { data } = await client.query({ query: list })
  const variables = { after: data?.snapshots.streamCursor }
  const refetch = readAgain(() => listed.refetch())
  client.subscribe({ query: watch, variables }).subscribe(({ data }) => {
    if (!data) return
    onStep(data.snapshotTransitions)
    const { from, to } = data.snapshotTransitions
    if (from === null || to === 'DELETED') refetch()
  })
}

export const create: App['create'] = async (diskId, name) => {
  const { data } = await client.mutate({ mutation: createSnapshot, variables: { diskId, name } })
  return data?.createSnapshot.message
}
