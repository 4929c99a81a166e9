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

/** A thread that copies one disk after the other. To start one takes longer than to copy a small disk. */
interface CopyThread {
  worker: Worker
  /** Ends it when it has been idle for long. */
  idleTimer?: NodeJS.Timeout
}

/** How many threads wait for their next copy, and for how long. */
const MAX_IDLE = 2
const IDLE_MS = 10_000
const idleThreads = new Set<CopyThread>()

function takeThread(): CopyThread {
  for (const thread of idleThreads) {
    idleThreads.delete(thread)
    clearTimeout(thread.idleTimer)
    thread.worker.ref()
    return thread
  }
  const thread = { worker: new Worker(new URL('./copy-worker.ts', import.meta.url)) }
  const forget = (): unknown => idleThreads.delete(thread)
  thread.worker.on('error', forget).on('exit', forget)
  return thread
}

/** An idle thread does not keep the process alive, and is in no native call when it is terminated. */
function giveBack(thread: CopyThread): void {
  const end = (): unknown => thread.worker.terminate()
  if (idleThreads.size >= MAX_IDLE) return void end()
  thread.worker.unref()
  thread.idleTimer = setTimeout(end, IDLE_MS).unref()
  idleThreads.add(thread)
}

/**
 * Returns when the thread does nothing more with the files, so they can be closed and removed. It is asked to stop, not
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
  const { promise, resolve, reject } = Promise.withResolvers<CopyResult>()
  let fault: unknown = new Error('The copying thread ended without a result.')
  const onMessage = (message: CopyMessage): void => {
    if (message.result === 'progress') onProgress(message.copiedBytes, message.totalBytes)
    else resolve(message)
  }
  const onError = (error: unknown): unknown => (fault = error)
  const onExit = (): void => reject(fault)
  const thread = takeThread()
  const { worker } = thread
  worker.on('message', onMessage).on('error', onError).on('exit', onExit)
  signal.addEventListener('abort', askToStop)
  worker.postMessage({ ...job, minFreeBytes, stop } satisfies CopyJob)
  try {
    const result = await promise
    worker.off('message', onMessage).off('error', onError).off('exit', onExit)
    giveBack(thread)
    return result
  } finally {
    signal.removeEventListener('abort', askToStop)
  }
}
