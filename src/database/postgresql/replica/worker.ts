import { closeSync, existsSync, openSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import { parentPort, workerData } from 'node:worker_threads'
import SQLite from 'better-sqlite3'
import { Feed } from './feed.ts'
import { ReplicaFile } from './file.ts'
import { pruneCommits } from './prune.ts'

/** Keeps a replica where the database is, in a thread, until it is told to stop. */

export interface ReplicaData {
  url: string
  /** Where the replica is to be; another gateway may have one there, and then it is beside it. */
  path: string
}

/** A question is its number, one higher each time; it is answered once all is applied that was committed before it came. */
export type ReplicaRequest = number | 'STOP'

export type ReplicaReply =
  | { type: 'READY'; path: string; copied: boolean; clockOffsetMs: number }
  | { type: 'FAILED'; error: unknown }
  /** The replica has all that was committed before the moment `at`, and before the questions up to `answered` came. */
  | { type: 'SYNCED'; at: number; tables: ReadonlySet<string>; answered: number; clockOffsetMs: number }
  | { type: 'LOST'; error: unknown }
  | { type: 'MERGING' }

/** How often the database is asked without a hint, in milliseconds. */
const POLL_MS = 1_000
/** The pauses between two attempts to connect: at first, and at most. */
const RETRY_MS = { first: 50, most: 1_000 }
/** How much later than the others a gateway may read the whole database, in milliseconds. */
const JITTER_MS = 2_000
/** How often old commits are removed. */
const PRUNE_MS = 5 * 60_000
/** How many gateways may keep replicas in one folder. */
const MOST_REPLICAS = 100

const { url, path } = workerData as ReplicaData
const post = (reply: ReplicaReply) => parentPort?.postMessage(reply)

let wake = Promise.withResolvers<undefined>()
let asked = 0
const stopped = new AbortController()
let feed: Feed | undefined

function wakeUp(): void {
  wake.resolve(undefined)
}

parentPort?.on('message', (request: ReplicaRequest) => {
  if (request === 'STOP') stopped.abort()
  else asked = request
  wakeUp()
})

/** The first place that no other process uses, and what keeps it. */
function lockPlace(): { path: string; lock: SQLite.Database } {
  for (let number = 1; number <= MOST_REPLICAS; number++) {
    const place = number === 1 ? path : path.replace(/(\.\w+)?$/, `-${number}$1`)
    if (!existsSync(`${place}.lock`)) closeSync(openSync(`${place}.lock`, 'a', 0o600))
    const lock = new SQLite(`${place}.lock`, { timeout: 0 })
    try {
      lock.exec('BEGIN EXCLUSIVE')
      return { path: place, lock }
    } catch (error) {
      lock.close()
      if (!(error instanceof SQLite.SqliteError && error.code === 'SQLITE_BUSY')) throw error
    }
  }
  throw new Error(`${MOST_REPLICAS} gateways keep their replicas beside ${path}.`)
}

/** Waits until the replica is to be brought up to date: when asked, at a hint, and by a slow poll. */
async function nextTurn(): Promise<void> {
  const timer = setTimeout(wakeUp, POLL_MS)
  await wake.promise
  clearTimeout(timer)
}

/** Waits until the next attempt to connect. Only time brings it: what fails, and who asks, would bring it at once. */
async function nextAttempt(retryMs: number): Promise<void> {
  await pause(retryMs * (0.5 + Math.random()), undefined, { signal: stopped.signal }).catch(() => undefined)
}

/** Brings the replica up to date again and again. */
async function follow(place: string, file: ReplicaFile): Promise<void> {
  let retryMs = RETRY_MS.first
  while (!stopped.signal.aborted) {
    await (feed ? nextTurn() : nextAttempt(retryMs))
    wake = Promise.withResolvers()
    const answered = asked
    const at = Date.now()
    try {
      if (feed?.isLost) await close()
      feed ??= await Feed.open(url, { path: place, kept: file, wake: wakeUp })
      const tables = await feed.sync(async () => {
        post({ type: 'MERGING' })
        await pause(Math.random() * JITTER_MS)
      })
      retryMs = RETRY_MS.first
      post({ type: 'SYNCED', at, tables, answered, clockOffsetMs: feed.clockOffsetMs })
    } catch (error) {
      await close()
      retryMs = Math.min(2 * retryMs, RETRY_MS.most)
      post({ type: 'LOST', error })
    }
  }
}

async function close(): Promise<void> {
  const closing = feed
  feed = undefined
  await closing?.[Symbol.asyncDispose]()
}

async function main(): Promise<void> {
  const { path: place, lock } = lockPlace()
  const kept = ReplicaFile.kept(place)
  feed = await Feed.open(url, { path: place, kept, wake: wakeUp })
  const { file } = feed
  await feed.sync(() => Promise.resolve())
  post({ type: 'READY', path: place, copied: file !== kept, clockOffsetMs: feed.clockOffsetMs })
  const pruning = setInterval(() => void pruneCommits(url).catch(() => undefined), PRUNE_MS)
  try {
    await follow(place, file)
  } finally {
    clearInterval(pruning)
    await close()
    file[Symbol.dispose]()
    lock.close()
  }
}

main()
  .catch((error: unknown) => post({ type: 'FAILED', error }))
  .finally(() => parentPort?.close())
