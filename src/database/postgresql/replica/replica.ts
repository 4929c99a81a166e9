import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import type { Logger } from 'pino'
import type { ReplicaData, ReplicaReply, ReplicaRequest } from './worker.ts'

export interface ReplicaOptions {
  /** The database: `postgresql://…`. */
  url: string
  /** Where the file is to be. */
  path: string
  log: Logger
}

type ReplicaParts = Pick<Replica, 'path' | 'clockOffsetMs'> & { worker: Worker; log: Logger }

/** Is told what has changed in a replica: the names of its tables. */
export type OnApplied = (tables: ReadonlySet<string>) => void

/** How long PostgreSQL may take to answer what it answers at once, in milliseconds; then it counts as away. */
const PATIENCE_MS = 1_000

/**
 * A copy of the database in a SQLite file of this gateway's own, which follows it commit by commit. All reads of clients are
 * read here, so that the load of PostgreSQL does not depend on them.
 */
export class Replica implements AsyncDisposable {
  /** Where the file is. */
  readonly path: string
  /** How far the clock of the server is ahead of this machine's, in milliseconds, by its last answer. */
  clockOffsetMs: number
  readonly #worker: Worker
  readonly #log: Logger
  readonly #exited: Promise<unknown>
  readonly #listeners = new Set<OnApplied>()
  /** The question that PostgreSQL was asked, and the next one, which those share that came since. */
  #asked: PromiseWithResolvers<void> | undefined
  #next: PromiseWithResolvers<void> | undefined
  #number = 0
  #patience: NodeJS.Timeout | undefined
  #syncedAt = Date.now()
  #isAway = false
  #isStopping = false

  constructor({ path, clockOffsetMs, worker, log }: ReplicaParts) {
    this.path = path
    this.clockOffsetMs = clockOffsetMs
    this.#worker = worker
    this.#log = log
    this.#exited = once(worker, 'exit').catch(() => undefined)
    worker.on('message', (reply: ReplicaReply) => this.#receive(reply))
    worker.on('error', (error: Error) => this.#away(error))
    worker.on('exit', () => this.#away(new Error('The thread of the replica has ended.')))
  }

  /**
   * Resolves when all that was committed before the call is in the file; or, while PostgreSQL does not answer, after a second
   * at most: `staleSince` is set then. Those who call while a question is on its way share the next one.
   */
  fresh(): Promise<void> {
    if (this.#isAway) return Promise.resolve()
    const next = (this.#next ??= Promise.withResolvers())
    if (!this.#asked) this.#ask()
    return next.promise
  }

  /** Since when the file may lack commits; undefined while it lacks none that were made before a question. */
  get staleSince(): Date | undefined {
    return this.#isAway ? new Date(this.#syncedAt) : undefined
  }

  /** Calls back whenever commits have come into the file, until the returned function is called. */
  onApplied(listener: OnApplied): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  #ask(): void {
    this.#asked = this.#next
    this.#next = undefined
    this.#patience = setTimeout(() => this.#away(new Error('PostgreSQL does not answer.')), PATIENCE_MS)
    this.#send(++this.#number)
  }

  #send(request: ReplicaRequest): void {
    this.#worker.postMessage(request)
  }

  #receive(reply: ReplicaReply): void {
    if (reply.type === 'SYNCED') {
      this.#syncedAt = reply.at
      this.clockOffsetMs = reply.clockOffsetMs
      if (this.#isAway) this.#back()
      if (reply.tables.size > 0) for (const listener of this.#listeners) listener(reply.tables)
      if (reply.answered === this.#number) this.#answer()
    } else if (reply.type === 'LOST') {
      this.#away(reply.error)
    } else if (reply.type === 'MERGING') {
      this.#log.warn(
        'the history of the database is another one, or was pruned: the replica is compared with all of it',
      )
    }
  }

  #answer(): void {
    if (!this.#asked) return
    clearTimeout(this.#patience)
    this.#asked.resolve()
    this.#asked = undefined
    if (this.#next) this.#ask()
  }

  #away(error: unknown): void {
    clearTimeout(this.#patience)
    if (!this.#isAway && !this.#isStopping)
      this.#log.error({ err: error }, 'PostgreSQL does not answer; queries are answered from the replica')
    this.#isAway = true
    this.#asked?.resolve()
    this.#next?.resolve()
    this.#asked = this.#next = undefined
  }

  #back(): void {
    this.#isAway = false
    this.#log.warn('PostgreSQL answers again')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isStopping = true
    this.#send('STOP')
    await this.#exited
  }
}

/** Opens the replica, and resolves when it is where the database is; makes it when there is none. */
export async function openReplica({ url, path, log }: ReplicaOptions): Promise<Replica> {
  const workerData: ReplicaData = { url, path }
  const worker = new Worker(new URL('./worker.ts', import.meta.url), { workerData })
  const [reply] = (await once(worker, 'message')) as [ReplicaReply]
  if (reply.type === 'FAILED') throw reply.error
  if (reply.type !== 'READY') throw new Error(`The thread of the replica began with ${reply.type}.`)
  return new Replica({ path: reply.path, clockOffsetMs: reply.clockOffsetMs, worker, log })
}
