import { Worker } from 'node:worker_threads'
import type { DiskReference } from '../provider.ts'
import type { CopyJob, CopyMessage, CopyResult } from './copy-worker.ts'
import type { DiskFile } from './disk-file.ts'
import { findOccupied, identityOf } from './occupancy.ts'
import type { LimitedWork } from './space.ts'
import { isOpenOnlyHere } from './system-calls.ts'

/** Whether an instance has the disk, or another program has it open. */
export async function isInUse(disk: DiskReference, { handle, stat }: DiskFile): Promise<boolean> {
  if (disk.instanceId !== null) return true
  return !isOpenOnlyHere(handle.fd) && (await findOccupied()).has(identityOf(stat))
}

/**
 * Returns when the worker is gone, so its files can be closed and removed. The worker is asked to stop, not
 * terminated: termination in the middle of a native call has been seen to end the whole process.
 */
export async function copyInWorker(
  job: Omit<CopyJob, 'stop' | 'minFreeBytes'>,
  { signal, onProgress, minFreeBytes = 0 }: LimitedWork,
): Promise<CopyResult> {
  signal.throwIfAborted()
  const stop = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT))
  const askToStop = (): void => {
    Atomics.store(stop, 0, 1)
    Atomics.notify(stop, 0)
  }
  signal.addEventListener('abort', askToStop)
  const { promise, resolve, reject } = Promise.withResolvers<CopyResult>()
  const worker = new Worker(new URL('./copy-worker.ts', import.meta.url), {
    workerData: { ...job, minFreeBytes, stop } satisfies CopyJob,
  })
  let settle = (): void => reject(new Error('The copying thread ended without a result.'))
  worker.on('message', (message: CopyMessage) => {
    if (message.result === 'progress') onProgress(message.copiedBytes, message.totalBytes)
    else settle = () => resolve(message)
  })
  worker.on('error', (error) => (settle = () => reject(error)))
  worker.on('exit', () => settle())
  try {
    return await promise
  } finally {
    signal.removeEventListener('abort', askToStop)
  }
}
