import { resuming } from '@snapgate/client'
import type { introspection } from '@snapgate/client/introspection'
import { initGraphQLTada, type ResultOf, type TadaDocumentNode } from 'gql.tada'
import { print } from 'graphql'
import { createClient } from 'graphql-sse'
import process from 'node:process'

const graphql = initGraphQLTada<{
  introspection: introspection
  scalars: { DateTime: string; SafeInt: number }
}>()
const { GATEWAY = 'http://localhost:4000/graphql', TOKEN_URL = '', DISK_ID = '' } = process.env

async function authorization(): Promise<string> {
  const response = await fetch(TOKEN_URL)
  return `Bearer ${await response.text()}`
}

const LIST = graphql(`
  query List {
    snapshots(first: 100) {
      streamCursor
      nodes {
        id
        name
        status
      }
    }
  }
`)

const WATCH = graphql(`
  subscription Watch($after: String) {
    snapshotTransitions(after: $after) {
      cursor
      sequence
      snapshotId
      from
      to
    }
  }
`)

const CREATE = graphql(`
  mutation Create($diskId: ID!, $name: String!) {
    createSnapshot(input: { diskId: $diskId, name: $name }) {
      ... on UserError {
        message
      }
    }
  }
`)

/** Runs a query or mutation; its variables and its result have the types of the document. */
async function ask<Data, Variables>(
  document: TadaDocumentNode<Data, Variables>,
  variables: Variables,
): Promise<Data> {
  const response = await fetch(GATEWAY, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: await authorization() },
    body: JSON.stringify({ query: print(document), variables }),
  })
  const { data } = (await response.json()) as { data: Data }
  return data
}

const { snapshots } = await ask(LIST, {})
for (const { name, status } of snapshots.nodes) console.log('listed', name, status)

for (const name of ['1st', 'mine']) {
  const { createSnapshot } = await ask(CREATE, { diskId: DISK_ID, name })
  console.log('create', name, 'message' in createSnapshot ? createSnapshot.message : 'accepted')
}

const client = resuming(
  createClient({
    url: GATEWAY,
    headers: async () => ({ authorization: await authorization() }),
    retryAttempts: 0, // resuming() retries.
  }),
)
const payload = { query: print(WATCH), variables: { after: snapshots.streamCursor } }
for await (const { data } of client.iterate<ResultOf<typeof WATCH>>(payload)) {
  if (!data) continue
  const { sequence, snapshotId, from, to } = data.snapshotTransitions
  console.log('saw', sequence, snapshotId, from ?? '-', to)
}
