import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import type { DatabaseHealth } from '../database/health.ts'
import type { Heads } from '../database/sqlite/read-connection.ts'
import type { Prisma } from '../generated/prisma/client.ts'
import type { ScanData, ScanMessage, ScanReply } from './scan-worker.ts'

/** How many selects are run at once; one for each account, so that one account cannot occupy them all. */
const THREADS = 2

/** How long a thread without work is kept, in milliseconds. */
const IDLE_MS = 10_000

/** A select did not end in time. */
export class OperationTimeout extends Error {
  constructor(timeoutMs: number) {
    super(
      `The operation looks at too many rows to end within ${timeoutMs} ms. Narrow its filters, or leave out totalCount.`,
    )
  }
}

export interface Scanned<Row> {
  rows: Row[]
  heads: Heads
}

type Select = Pick<Prisma.Sql, 'sql' | 'values'>

interface Job {
  accountId: string
  select: Select
  deadline: number
  settle: PromiseWithResolvers<Scanned<unknown>>
  timer: NodeJS.Timeout
}

interface Thread {
  worker: Worker
  stop: Int32Array
  job: Job | undefined
  /** Ends it, while it has nothing to do. */
  idle: NodeJS.Timeout | undefined
}

/**
 * Selects that look at more rows than the event loop can wait for. They run in threads, which start with the first one,
 * and end at a deadline. The accounts take turns.
 */
export class Scans implements AsyncDisposable {
  readonly #path: string
  readonly #timeoutMs: number
  readonly #health: DatabaseHealth
  readonly #threads = new Set<Thread>()
  /** The accounts in the order of their turns, each with its jobs in the order they came. */
  readonly #waiting = new Map<string, Job[]>()
  #isOver = false

  /** `timeoutMs` is how long a select may take, the time it waits for its turn included; `health` is told of errors. */
  constructor({ path, timeoutMs, health }: { path: string; timeoutMs: number; health: DatabaseHealth }) {
    this.#path = path
    this.#timeoutMs = timeoutMs
    this.#health = health
  }

  /**
   * The rows of a select and, of the same moment, the heads of the account's transition logs. Rejects with OperationTimeout, or
   * with Unavailable where the database cannot be read. The select calls `scanned` for its rows.
   */
  read<Row>(accountId: string, { sql, values }: Select): Promise<Scanned<Row>> {
    const settle = Promise.withResolvers<Scanned<unknown>>()
    const job: Job = {
      accountId,
      select: { sql, values },
      deadline: performance.now() + this.#timeoutMs,
      settle,
      timer: setTimeout(() => this.#expire(job), this.#timeoutMs),
    }
    const waiting = this.#waiting.get(accountId)
    if (waiting) waiting.push(job)
    else this.#waiting.set(accountId, [job])
    this.#next()
    return settle.promise as Promise<Scanned<Row>>
  }

  #next(): void {
    if (this.#isOver) return
    for (const [accountId, jobs] of this.#waiting) {
      if ([...this.#threads].some(({ job }) => job?.accountId === accountId)) continue
      const thread = this.#idleThread()
      if (!thread) return
      const job = jobs.shift() as Job
      this.#waiting.delete(accountId)
      if (jobs.length > 0) this.#waiting.set(accountId, jobs)
      clearTimeout(thread.idle)
      thread.job = job
      const timeoutMs = job.deadline - performance.now()
      thread.worker.postMessage({ ...job.select, accountId, timeoutMs } satisfies ScanMessage)
    }
  }

  #idleThread(): Thread | undefined {
    for (const thread of this.#threads) if (!thread.job) return thread
    return this.#threads.size < THREADS ? this.#start() : undefined
  }

  #start(): Thread {
    const stop = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT))
    const workerData: ScanData = { path: this.#path, stop }
    const worker = new Worker(new URL('./scan-worker.ts', import.meta.url), { workerData })
    const thread: Thread = { worker, stop, job: undefined, idle: undefined }
    worker.unref()
    worker.on('message', (reply: ScanReply) => {
      const { job } = thread
      thread.job = undefined
      if (job) this.#answer(job, reply)
      thread.idle = setTimeout(() => this.#end(thread), IDLE_MS).unref()
      this.#next()
    })
    worker.on('error', (error) => this.#fail(thread.job, error))
    worker.on('exit', () => {
      this.#threads.delete(thread)
      this.#fail(thread.job, new Error('The thread that scans has ended.'))
      this.#next()
    })
    this.#threads.add(thread)
    return thread
  }

  /** Ends a thread that has had nothing to do for a while, so that it holds no memory. */
  #end(thread: Thread): void {
    this.#threads.delete(thread)
    thread.worker.postMessage('end')
  }

  #answer(job: Job, reply: ScanReply): void {
    if (reply === 'timeout') {
      this.#fail(job, new OperationTimeout(this.#timeoutMs))
    } else if ('error' in reply) {
      const { error, code } = reply
      this.#fail(job, Object.assign(new Error(error), code !== undefined && { code }))
    } else {
      clearTimeout(job.timer)
      job.settle.resolve(reply)
    }
  }

  #fail(job: Job | undefined, error: unknown): void {
    if (!job) return
    clearTimeout(job.timer)
    job.settle.reject(this.#health.failed(error))
  }

  #expire(job: Job): void {
    const waiting = this.#waiting.get(job.accountId)?.filter((one) => one !== job) ?? []
    if (waiting.length > 0) this.#waiting.set(job.accountId, waiting)
    else this.#waiting.delete(job.accountId)
    job.settle.reject(new OperationTimeout(this.#timeoutMs))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isOver = true
    const jobs = [...this.#waiting.values()].flat()
    this.#waiting.clear()
    for (const job of [...jobs, ...[...this.#threads].flatMap((thread) => thread.job ?? [])]) {
      clearTimeout(job.timer)
      job.settle.reject(new Error('The gateway is stopping.'))
    }
    // Asked to stop, not terminated: that ends the process where it falls into a native call.
    await Promise.all(
      [...this.#threads].map(({ worker, stop }) => {
        Atomics.store(stop, 0, 1)
        worker.postMessage('end')
        return once(worker, 'exit')
      }),
    )
  }
}
