import { closeSync, fstatSync, lstatSync, openSync, readSync, realpathSync, type Stats } from 'node:fs'

/** Two copies of the header, of 48 bytes each. Source: WAL-mode File Format, 2.1, https://sqlite.org/walformat.html */
const HEADER_WORDS = 24
/** With the checkpoint information that follows it. */
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
 * The index of a write-ahead log: the `-shm` file, which SQLite maps into the memory of every process that uses the
 * database. Every commit, of any process, rewrites its header before it returns, with a counter, a salt and a checksum of all
 * frames. On Linux a mapping and `read` share the page cache, so one positioned read of the header sees every commit. That
 * costs about 1 µs; `PRAGMA data_version` takes and releases a lock to find out the same.
 */
export class WalIndex implements Disposable {
  #file: IndexFile | undefined
  readonly #now = new Int32Array(INDEX_BYTES / 4)
  readonly #seen = new Int32Array(HEADER_WORDS)
  #version = 0

  constructor(file: IndexFile) {
    this.#file = file
  }

  /**
   * A number that changes with every commit. A header that is read in the middle of a commit differs from the one after
   * it; one that is cut short never counts as unchanged.
   */
  version(): number {
    if (!this.#file) throw new Error('The database is closed.')
    let isSame = this.#read(this.#file)
    for (let at = 0; at < HEADER_WORDS; at++) {
      const word = this.#now[at] ?? 0
      if (word === this.#seen[at]) continue
      this.#seen[at] = word
      isSame = false
    }
    if (!isSame) this.#version++
    return this.#version
  }

  /** Undefined in the middle of a commit of another process, and when there is none yet. */
  frames(): WalFrames | undefined {
    if (!this.#file || !this.#read(this.#file)) return undefined
    return framesOf((at) => this.#now[at] ?? 0)
  }

  /** To be called after the last connection of this process to the database has been closed. */
  [Symbol.dispose](): void {
    if (this.#file) release(this.#file)
    this.#file = undefined
  }

  /** Whether the file has all of it. */
  #read({ fd }: IndexFile): boolean {
    return readSync(fd, this.#now, 0, INDEX_BYTES, 0) === INDEX_BYTES
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

interface IndexFile {
  fd: number
  id: string
  users: number
}

/**
 * The index files that this process has open, by inode. Closing any descriptor of a file drops all POSIX locks that the
 * process holds on it (fcntl(2)), SQLite's included: so each is opened once, however many use it, and closed by the last.
 */
const OPEN = new Map<string, IndexFile>()

/** The index of a database that this process has open and has read; undefined where `read` may not see it: not on Linux. */
export function openWalIndex(path: string): WalIndex | undefined {
  if (process.platform !== 'linux') return undefined
  try {
    return new WalIndex(acquire(`${realpathSync(path)}-shm`))
  } catch {
    return undefined
  }
}

function acquire(path: string): IndexFile {
  const open = OPEN.get(idOf(lstatSync(path)))
  if (open) {
    open.users++
    return open
  }
  const fd = openSync(path, 'r')
  const file = { fd, id: idOf(fstatSync(fd)), users: 1 }
  OPEN.set(file.id, file)
  return file
}

function release(file: IndexFile): void {
  file.users--
  if (file.users > 0) return
  OPEN.delete(file.id)
  closeSync(file.fd)
}

const idOf = ({ dev, ino }: Stats) => `${dev}:${ino}`
