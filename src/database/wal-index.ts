import { readFileSync, realpathSync } from 'node:fs'
import { mapAgain, type Mapping } from '../native/memory.ts'

/** Two copies of the header, of 48 bytes each. Source: WAL-mode File Format, 2.1, https://sqlite.org/walformat.html */
const HEADER_BYTES = 96
/** With what follows it about checkpoints. */
const INDEX_BYTES = 136

/** Where things are, in words of 32 bits. Source: WAL-mode File Format, 2.1 and 2.2. */
const AT = { pageSize: 3, written: 4, salt: 8, copy: 12, copied: 24, begun: 32 }

/** The frames of a write-ahead log: each is a page of the database. */
export interface WalFrames {
  /** How many are committed. */
  written: number
  /** How many of them are in the database file too, flushed, and how many a checkpoint has begun to bring there. */
  copied: number
  begun: number
  pageBytes: number
  /** Another one each time that the log begins anew. */
  salt: number
}

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
    for (let at = 0; at < HEADER_BYTES / 4; at++) {
      const word = Atomics.load(words, at)
      if (word === this.#seen[at]) continue
      this.#seen[at] = word
      isSame = false
    }
    if (!isSame) this.#version++
    return this.#version
  }

  /** Undefined in the middle of a commit of another process, and when there is none yet. */
  frames(): WalFrames | undefined {
    const words = this.#words
    return words && framesOf((at) => Atomics.load(words, at))
  }

  [Symbol.dispose](): void {
    this.#words = undefined
    this.#mapping.unmap()
  }
}

/** The same in the bytes of the file, which its processes have left or are writing. */
export function framesIn(bytes: Buffer): WalFrames | undefined {
  if (bytes.length < INDEX_BYTES) return undefined
  const words = new Int32Array(new Uint8Array(bytes.subarray(0, INDEX_BYTES)).buffer)
  return framesOf((at) => words[at] ?? 0)
}

function framesOf(word: (at: number) => number): WalFrames | undefined {
  for (let at = 0; at < AT.copy; at++) if (word(at) !== word(at + AT.copy)) return undefined
  // Two bytes are flags, and 1 stands for 65,536.
  const pageSize = IS_LITTLE_ENDIAN ? word(AT.pageSize) >>> 16 : word(AT.pageSize) & 0xffff
  return {
    written: word(AT.written) >>> 0,
    copied: word(AT.copied) >>> 0,
    begun: word(AT.begun) >>> 0,
    pageBytes: pageSize === 1 ? 65_536 : pageSize,
    salt: word(AT.salt) >>> 0,
  }
}

/** Whether SQLite may have written to the database file between two looks: it does so in checkpoints only. */
export function isCheckpoint(before: WalFrames, now: WalFrames): boolean {
  return now.salt !== before.salt || now.begun !== before.begun || before.begun !== before.copied
}

const IS_LITTLE_ENDIAN = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1

/** The index of a database that this process has open and has read; undefined where it cannot be looked at: not on Linux. */
export function openWalIndex(path: string): WalIndex | undefined {
  try {
    const address = addressOf(`${realpathSync(path)}-shm`)
    const mapping = address === undefined ? undefined : mapAgain(address, INDEX_BYTES)
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
