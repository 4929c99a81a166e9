import { use, useEffect } from 'react'
import { useClient, type Client } from 'urql'
import { createOwnVerifications, onVerification, OWN_VERIFICATIONS } from '../api/own-verifications.ts'
import { notify } from '../widgets/notices.tsx'
import { useViewer } from '../widgets/viewer.tsx'
import { LiveContext } from './following.tsx'
import { followProgress } from './progress.ts'
import type { Live } from './stream.ts'

/**
 * Gives notice of the end of each verification that this user requested. No transition says that one has passed: its progress
 * is followed to its end, and its result read from the activity.
 */
export function OwnVerifications() {
  const client = useClient()
  const live = use(LiveContext)
  const { kind, actorId } = useViewer()?.actor ?? {}
  useEffect(() => {
    // A JWT without a `sub` may be anybody's.
    if (!live || kind === undefined || (kind === 'JWT' && actorId === null)) return undefined
    return followVerifications(
      client,
      live,
      actorId == null ? { actorKind: { eq: kind } } : { actorId: { eq: actorId } },
    )
  }, [client, live, kind, actorId])
  return null
}

function followVerifications(client: Client, live: Live, actor: object): () => void {
  const stopping = new AbortController()
  const { signal } = stopping
  const settle = createOwnVerifications()
  const followed = new Set<string>()
  const filter = { ...actor, action: { eq: 'VERIFY_SNAPSHOT' as const } }

  let looked = Promise.resolve()
  /** One at a time: a second request would be answered with what the first has read. */
  const look = () => (looked = looked.then(read))

  async function read(): Promise<void> {
    const context = { requestPolicy: 'network-only' as const }
    const { data } = await client.query(OWN_VERIFICATIONS, { filter }, context).toPromise()
    if (!data || signal.aborted) return
    const { ends, verified } = settle(data.activity.nodes)
    for (const end of ends) notify(end)
    for (const id of verified) follow(id)
  }

  function follow(id: string): void {
    if (followed.has(id)) return
    followed.add(id)
    const over = async () => {
      await look()
      followed.delete(id)
    }
    const stop = followProgress(client, id, { complete: () => void over() })
    signal.addEventListener('abort', stop)
  }

  const lookWhenLive = () => {
    if (live.connection().phase === 'live') void look()
  }
  const stops = [
    onVerification(() => void look()),
    live.watchConnection(lookWhenLive),
    () => stopping.abort(),
  ]
  lookWhenLive()
  return () => {
    for (const stop of stops) stop()
  }
}
