import type { Client } from 'urql'
import { onEnd, pipe, subscribe } from 'wonka'
import { PROGRESS } from '../api/snapshot.ts'

interface ProgressSink {
  next?: (percent: number | null) => void
  complete: () => void
}

/** Follows the copy or the verification of a snapshot until that ends, or what is returned is called. */
export function followProgress(client: Client, id: string, { next, complete }: ProgressSink): () => void {
  let isStopped = false
  const following = pipe(
    client.subscription(PROGRESS, { id }),
    onEnd(() => {
      if (!isStopped) complete()
    }),
    subscribe(({ data }) => {
      if (data) next?.(data.snapshotProgress.percent)
    }),
  )
  return () => {
    isStopped = true
    following.unsubscribe()
  }
}
