import { symbols, type Logger } from 'pino'
import type { Client } from './client.ts'
import type { DescribedOperation } from './document.ts'

/** Which operations are logged. */
export interface OperationLogOptions {
  log: Logger
  /** How many of a hundred, from 0 to 100. */
  percent: number
  /** From how many milliseconds on an operation is slow, and logged in any case. */
  slowMs: number
}

/** What a line says of an operation, or of a stream that has ended. Neither its variables nor its document are in it. */
export interface LogEntry {
  operation: DescribedOperation
  transport: string
  durationMs: number
  cost: number | undefined
  outcome: string
  account: string | undefined
  client: Client
  requestId: string
  traceId: string | undefined
  /** Of a stream: how many events were sent. */
  events?: number
}

/** The outcome of an operation that failed by a fault of the gateway. */
export const FAULT = 'INTERNAL_SERVER_ERROR'

/** The outcome of a stream whose client left, or whose connection ended. */
export const LEFT = 'LEFT'

/** Lines wait to be written for this many milliseconds at most, or until together they have this many characters. */
const FLUSH_MS = 50
const FLUSH_LENGTH = 16_384

const hasFailed = (outcome: string) => outcome !== 'OK' && outcome !== LEFT

/**
 * One JSON line for each operation, and for the end of each stream: at `info`, or at `warn` where it was slow or
 * failed by a fault, whose own line is an error. Those, and all that failed, are always logged, of the others a share. Lines are
 * put together by hand, from parts that are the same for each request of a document, and written together: at the rate of the
 * fast path, the logger and a system call for each would cost more than the answers.
 */
export class OperationLog implements Disposable {
  readonly #log: Logger
  readonly #percent: number
  readonly #slowMs: number
  readonly #head: string
  /** The parts of lines that were made last, by what they are made of. */
  readonly #parts = new WeakMap<object, string>()
  /** How far the next one that is logged is away, in hundredths. */
  #share = 0
  /** The lines that wait to be written. */
  #lines = ''
  #timer: NodeJS.Timeout | undefined

  constructor({ log, percent, slowMs }: OperationLogOptions) {
    this.#log = log
    this.#percent = percent
    this.#slowMs = slowMs
    this.#head = (log as unknown as Internals)[symbols.chindingsSym]
  }

  add(message: 'operation' | 'stream ended', entry: LogEntry): void {
    const { outcome, durationMs } = entry
    const level = outcome === FAULT || this.#isSlow(message, durationMs) ? 'warn' : 'info'
    if (!this.#log.isLevelEnabled(level)) return
    if (level === 'info' && !hasFailed(outcome) && !this.#isDue()) return
    this.#lines += this.#line(message, level, entry)
    this.#timer ??= setTimeout(() => this.flush(), FLUSH_MS).unref()
    if (this.#lines.length > FLUSH_LENGTH) this.flush()
  }

  /** Writes what waits. */
  flush(): void {
    const lines = this.#lines
    this.#lines = ''
    clearTimeout(this.#timer)
    this.#timer = undefined
    if (lines !== '') (this.#log as unknown as Internals)[symbols.streamSym].write(lines)
  }

  [Symbol.dispose](): void {
    this.flush()
  }

  /** A stream is meant to last. */
  #isSlow(message: string, durationMs: number): boolean {
    return message === 'operation' && durationMs >= this.#slowMs
  }

  #isDue(): boolean {
    this.#share += this.#percent
    if (this.#share < 100) return false
    this.#share -= 100
    return true
  }

  #line(message: string, level: 'info' | 'warn', entry: LogEntry): string {
    const { operation, client, account, traceId, cost, events } = entry
    // All that is not made by `#part` is made here, or was checked when it came: it needs no escapes.
    return (
      `{"level":${this.#log.levels.values[level]},"time":${Date.now()}${this.#head}` +
      `,"requestId":"${entry.requestId}"${traceId === undefined ? '' : `,"traceId":"${traceId}"`}` +
      `${this.#part(operation, operationPart)},"transport":"${entry.transport}"` +
      `,"durationMs":${Math.round(entry.durationMs * 1000) / 1000}${cost === undefined ? '' : `,"cost":${cost}`}` +
      `,"outcome":"${entry.outcome}"${account === undefined ? '' : `,"account":"${account}"`}` +
      `${this.#part(client, clientPart)}${events === undefined ? '' : `,"events":${events}`},"msg":"${message}"}\n`
    )
  }

  #part<T extends object>(of: T, make: (of: T) => object): string {
    let part = this.#parts.get(of)
    if (part === undefined) {
      const fields = JSON.stringify(make(of)).slice(1, -1)
      part = fields && `,${fields}`
      this.#parts.set(of, part)
    }
    return part
  }
}

/** Of pino, for those who write lines past it: what is in each of them, as JSON, and where they go. */
interface Internals {
  [symbols.chindingsSym]: string
  [symbols.streamSym]: { write: (text: string) => void }
}

const operationPart = ({ name, kind, hash }: DescribedOperation) => ({
  operation: name,
  kind,
  document: hash,
})

const clientPart = ({ name, version }: Client) => ({ client: name, clientVersion: version })
