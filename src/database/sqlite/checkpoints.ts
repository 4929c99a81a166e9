import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import type { Logger } from 'pino'
import type { CheckpointData, CheckpointReply } from './checkpoint-worker.ts'
import type { LogBound } from './log-bound.ts'
import type { OpenFiles } from './open-files.ts'
import type { Writer } from './writer.ts'
import { UNAVAILABLE } from '../../domain/unavailable.ts'
import { MIB } from '../../domain/units.ts'

/** The size that the write-ahead log is cut to when SQLite begins it anew, in bytes. */
export const LOG_LIMIT_BYTES = 16 * MIB

/** The part of its bound from which the log is worth a warning. */
const WARN_FROM = 1 / 4

/** How many frames a commit may have to copy on the event loop; 16 MiB, which takes some tens of milliseconds. */
const MOST_FRAMES = 4_096

/** After how many frames a commit copies the log, in normal operation. SQLite's own default. */
const AUTOMATIC_FRAMES = 1_000

export interface CheckpointOptions {
  writer: Writer
  files: OpenFiles
  log: Logger
  logBound: LogBound
}

interface Thread {
  worker: Worker
  stop: Int32Array
  ended: Promise<unknown>
}

/**
 * Bounds the write-ahead log. SQLite copies it into the database at a commit once it has 1,000 frames, and then begins it
 * anew; but not while a reader needs the log, and a file that has grown stays large until the next commit. Beyond the limit a
 * thread takes over: it copies what it can, and empties the log when all is copied and nobody reads it. A commit on the event
 * loop copies nothing while more than it can copy quickly is left.
 */
export class Checkpoints implements AsyncDisposable {
  readonly #writer: Writer
  readonly #files: OpenFiles
  readonly #log: Logger
  readonly #logBound: LogBound
  #thread: Thread | undefined
  #error: Error | undefined
  /** The last thing that was said of its size. */
  #said: 'small' | 'large' | 'full' = 'small'

  constructor({ writer, files, log, logBound }: CheckpointOptions) {
    this.#writer = writer
    this.#files = files
    this.#log = log
    this.#logBound = logBound
  }

  /** To be called again and again while the open files are those at their paths. */
  look(): void {
    const bytes = this.#files.logBytes()
    if (bytes > LOG_LIMIT_BYTES) this.#thread ??= this.#start()
    else this.stop()
    this.#report(bytes)
  }

  /** Lets the thread end after its attempt, if there is one. */
  stop(): void {
    if (!this.#thread) return
    Atomics.store(this.#thread.stop, 0, 1)
    Atomics.notify(this.#thread.stop, 0)
  }

  #start(): Thread {
    const stop = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT))
    const workerData: CheckpointData = { ...this.#files.database(), stop }
    const worker = new Worker(new URL('./checkpoint-worker.ts', import.meta.url), { workerData })
    this.#copyAtCommits(false)
    worker.on('message', (reply: CheckpointReply) => {
      this.#error = 'error' in reply ? reply.error : undefined
      if ('behind' in reply) this.#copyAtCommits(reply.behind <= MOST_FRAMES)
    })
    worker.on('error', (error: Error) => (this.#error = error))
    worker.on('exit', () => {
      this.#thread = undefined
      this.#copyAtCommits(true)
    })
    return { worker, stop, ended: once(worker, 'exit').catch(() => undefined) }
  }

  #copyAtCommits(isWanted: boolean): void {
    const { client } = this.#writer
    if (client.open) client.pragma(`wal_autocheckpoint = ${isWanted ? AUTOMATIC_FRAMES : 0}`)
  }

  #report(bytes: number): void {
    const { maxBytes } = this.#logBound
    const facts = { logBytes: bytes, maxLogBytes: maxBytes, ...(this.#error && { err: this.#error }) }
    if (bytes >= maxBytes) {
      if (this.#said !== 'full') this.#log.error(facts, `not ready: ${UNAVAILABLE.LOG_FULL} ${UNTIL_EMPTIED}`)
      this.#said = 'full'
    } else if (bytes > maxBytes * WARN_FROM) {
      const why = this.#error ? 'it cannot be copied into the database' : LONG_READ
      if (this.#said === 'small')
        this.#log.warn(facts, `the write-ahead log of the database has grown large: ${why}`)
      if (this.#said === 'full') this.#log.warn(facts, WRITES_AGAIN)
      this.#said = 'large'
    } else if (this.#said !== 'small' && bytes <= LOG_LIMIT_BYTES) {
      if (this.#said === 'full') this.#log.warn(facts, WRITES_AGAIN)
      this.#log.info({ logBytes: bytes }, 'the write-ahead log of the database is small again')
      this.#said = 'small'
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.stop()
    await this.#thread?.ended
  }
}

const UNTIL_EMPTIED = 'End that process; the log is then emptied within a second.'
const WRITES_AGAIN = 'ready again: the write-ahead log of the database has room'
const LONG_READ =
  'another process probably keeps a read transaction open. Writes go on; the log shrinks when that transaction ends'
