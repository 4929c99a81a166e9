import { Unavailable } from '../../domain/unavailable.ts'
import type { OpenFiles } from './open-files.ts'

/**
 * How large the write-ahead log may become. SQLite can empty it only while nobody reads an older state, so beside a process that
 * keeps a read transaction open it grows with every commit. At the bound nothing more is written; reads go on, and writes do
 * once the log has been emptied.
 */
export class LogBound {
  readonly #files: Pick<OpenFiles, 'logBytes'>
  /** In bytes; the last commit may exceed it by what it wrote. */
  readonly maxBytes: number

  constructor(files: Pick<OpenFiles, 'logBytes'>, maxBytes: number) {
    this.#files = files
    this.maxBytes = maxBytes
  }

  /** Throws Unavailable when nothing more may be written. Costs some microseconds. */
  check(): void {
    if (this.#files.logBytes() >= this.maxBytes) throw new Unavailable('LOG_FULL')
  }

  /** What is wrong and what to do, in words that a stranger may read; undefined while writes are accepted. */
  problem(): string | undefined {
    const bytes = this.#files.logBytes()
    if (bytes < this.maxBytes) return undefined
    return `The write-ahead log has ${mebibytes(bytes)} MiB of at most ${mebibytes(this.maxBytes)}, so nothing is written. A process keeps a read transaction open: end it, and writes go on by themselves.`
  }
}

const mebibytes = (bytes: number) => Math.round(bytes / 1024 ** 2)
