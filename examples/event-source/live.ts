import { CREATE, LIST, WATCH, type CreateData, type ListData, type WatchData } from '../documents.ts'
import type { App } from '../page.ts'

/** An EventSource sends no headers: the page's own backend forwards /graphql, and adds the token. */
const URL = '/graphql'

interface Result {
  data?: WatchData
  errors?: { extensions: { code: string } }[]
}

async function ask<Data>(query: string, variables = {}): Promise<Data> {
  const headers = { 'content-type': 'application/json' }
  const response = await fetch(URL, { method: 'POST', headers, body: JSON.stringify({ query, variables }) })
  const { data } = (await response.json()) as { data: Data }
  return data
}

export const live: App['live'] = async (show, onStep) => {
  const refresh = async () => {
    const { snapshots } = await ask<ListData>(LIST)
    show(snapshots.nodes)
    return snapshots.streamCursor
  }

  function watch(after: string): void {
    const search = new URLSearchParams({ query: WATCH, variables: JSON.stringify({ after }) })
    const source = new EventSource(`${URL}?${search}`)
    let next = async () => after
    source.addEventListener('next', ({ data, lastEventId }: MessageEvent<string>) => {
      const { data: event, errors } = JSON.parse(data) as Result
      // The log does not continue from there: list again, and go on from that list.
      if (errors?.[0]?.extensions.code === 'CURSOR_EXPIRED') next = refresh
      if (!event) return
      next = async () => lastEventId
      onStep(event.snapshotTransitions)
      void refresh().catch(() => undefined)
    })
    // After a lost connection, the browser reconnects and resumes by itself. It gives up only when the answer is no stream:
    // the error of a proxy while the gateway is away, or the end of this one.
    source.addEventListener('error', () => {
      if (source.readyState !== EventSource.CLOSED) return
      const again = () => void next().then(watch, () => setTimeout(again, 1_000))
      setTimeout(again, 500 + Math.random() * 1_000)
    })
  }
  watch(await refresh())
}

export const create: App['create'] = async (diskId, name) => {
  const { createSnapshot } = await ask<CreateData>(CREATE, { diskId, name })
  return createSnapshot.message
}
