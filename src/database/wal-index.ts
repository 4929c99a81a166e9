import { readFileSync, realpathSync } from 'node:fs'
import { mapAgain, type Mapping } from '../native/memory.ts'

/** Two copies of the header, of 48 bytes each. Source: WAL-mode File Format, 2.1, https://sqlite.org/walformat.html */
const HEADER_BYTES = 96

/**
 * What SQLite keeps in shared memory of a write-ahead log. Every commit, of whatever process, writes its header anew before
 * it returns, with a counter, a salt and a checksum of all frames. To look at it costs a hundredth of what `PRAGMA
 * data_version` does, which takes a lock and gives it back to say the same.
 */
export class WalIndex implements Disposable {
  readonly #mapping: Mapping
  #words: Int32Array | undefined
  readonly #seen = new Int32Array(HEADER_BYTES / 4)
  #version = 0

  constructor(mapping: Mapping) {
    this.#mapping = mapping
    this.#words = new Int32Array(mapping.memory)
  }

  /** A number that is another one after every commit. Seen in the middle of one, it is another one afterwards as well. */
  version(): number {
    const words = this.#words
    if (!words) throw new Error('The database is closed.')
    let isSame = true
    for (let at = 0; at < words.length; at++) {
      const word = Atomics.load(words, at)
      if (word === this.#seen[at]) continue
      this.#seen[at] = word
      isSame = false
    }
    if (!isSame) this.#version++
    return this.#version
  }

  [Symbol.dispose](): void {
    this.#words = undefined
    this.#mapping.unmap()
  }
}

/** The index of a database that this process has open and has read; undefined where it cannot be looked at: not on Linux. */
export function openWalIndex(path: string): WalIndex | undefined {
  try {
    const address = addressOf(`${realpathSync(path)}-shm`)
    const mapping = address === undefined ? undefined : mapAgain(address, HEADER_BYTES)
    return mapping && new WalIndex(mapping)
  } catch {
    return undefined
  }
}

/** Where this process has mapped the beginning of a file. Source: proc_pid_maps(5). */
function addressOf(file: string): bigint | undefined {
  for (const line of readFileSync('/proc/self/maps', 'utf8').split('\n')) {
    const [, start, path] = /^([\da-f]+)-\S+ \S+ 0+ \S+ \d+ +(.*)$/.exec(line) ?? []
    if (path === file) return BigInt(`0x${start ?? ''}`)
  }
  return undefined
}
