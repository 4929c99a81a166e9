/** A simulated cloud with many disks and snapshots, in a thread of its own: what it does keeps no gateway waiting. */
import { once } from 'node:events'
import { isMainThread, parentPort, Worker } from 'node:worker_threads'
import { cinderDialect } from './cinder.ts'
import { FakeCloud, type FakeDisk } from './engine.ts'
import { serve } from './server.ts'

export type LargeCloud = Awaited<ReturnType<typeof startLargeCloud>>

/** Starts the cloud, which has nothing yet. */
export async function startLargeCloud() {
  const worker = new Worker(new URL(import.meta.url))
  const ask = async (question: unknown): Promise<unknown> => {
    worker.postMessage(question)
    const [answer] = (await once(worker, 'message')) as [unknown]
    return answer
  }
  return {
    url: new URL((await ask('url')) as string),
    /** How many requests there were since this was last asked. */
    calls: () => ask('calls') as Promise<number>,
    /** Has it make disks, and complete snapshots of all disks in turn; returns their ids. */
    grow: (more: Growth) =>
      ask(more) as Promise<{ disks: string[]; snapshots: { id: string; diskId: string }[] }>,
    async [Symbol.asyncDispose]() {
      await worker.terminate()
    },
  }
}

interface Growth {
  disks: number
  snapshots: number
}

if (!isMainThread) {
  const cloud = new FakeCloud()
  cloud.advance(Date.now() - cloud.now())
  const { url } = await serve(cloud, cinderDialect())
  parentPort?.on('message', (question: 'url' | 'calls' | Growth) => {
    if (question === 'url') parentPort?.postMessage(url.href)
    else if (question === 'calls') parentPort?.postMessage(cloud.calls.splice(0).length)
    else parentPort?.postMessage(grown(cloud, question))
  })
}

function grown(cloud: FakeCloud, { disks, snapshots }: Growth) {
  const made = Array.from({ length: disks }, () => cloud.disk('', 'available', { name: 'large' }))
  const all: FakeDisk[] = [...cloud.disks.values()]
  const taken = Array.from({ length: snapshots }, (_, count) =>
    cloud.snapshot('', all[count % all.length]?.id ?? '', { doneAt: 0, name: 'large' }),
  )
  return { disks: made.map(({ id }) => id), snapshots: taken.map(({ id, diskId }) => ({ id, diskId })) }
}
