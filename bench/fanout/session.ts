import type { ChildProcess } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import Database from 'better-sqlite3'
import { V8_FLAGS } from '../npm-start.ts'
import {
  ACCOUNT,
  diskOf,
  now,
  type Contender,
  type Row,
  type ToClient,
  type ToServer,
  type Transport,
} from './messages.ts'
import { answer, child, clientAnswer, stop } from './processes.ts'

const CLIENT_PROCESSES = 2
const SETTLE_MS = 1_500

/** What one contender did under one kind of load. */
export interface Load {
  messages: number
  wallMs: number
  cpuMicros: number
}

export interface SessionOptions {
  contender: Contender
  subscribers: number
  /** Each subscriber watches a disk of its own. */
  perDisk?: boolean
}

/** A contender in a process of its own, with its subscribers in others; gone with `await using`. */
export async function startSession(options: SessionOptions): Promise<Session> {
  const { contender } = options
  await using parts = new AsyncDisposableStack()
  const dataDir = await mkdtemp(join(tmpdir(), 'snapgate-fanout-'))
  parts.defer(() => rm(dataDir, { recursive: true, force: true }))

  const isGateway = contender.startsWith('gateway')
  const server = child('server-process.ts', [contender], { DATA_DIR: dataDir }, isGateway ? V8_FLAGS : [])
  parts.defer(() => stop(server))
  const { port } = await answer(server, 'ready')
  const write = isGateway ? committer(join(dataDir, 'snapgate.db'), parts) : undefined

  const clients = Array.from({ length: CLIENT_PROCESSES }, () => child('client-process.ts', [], {}))
  for (const client of clients) parts.defer(() => stop(client))
  const session = new Session({ ...options, server, port, clients, write, parts: parts.move() })
  try {
    await session.connect()
    await session.warmUp()
    return session
  } catch (error) {
    await session[Symbol.asyncDispose]()
    throw error
  }
}

interface SessionParts extends SessionOptions {
  server: ChildProcess
  port: number
  clients: ChildProcess[]
  /** Commits rows as the gateway would; other contenders are sent them. */
  write: ((rows: Row[]) => void) | undefined
  parts: AsyncDisposableStack
}

class Session {
  /** The memory of the server for each subscriber, in bytes. */
  bytesPerSubscriber = NaN
  readonly #options: SessionParts
  readonly #subscribers: number
  readonly #perDisk: boolean
  readonly #share: number
  /** How many subscribers each client process has. */
  readonly #counts: number[]
  /** How many messages each client process has received, or will have. */
  #totals: number[]
  #sequence = 0
  #sent = 0

  constructor(options: SessionParts) {
    const { subscribers, perDisk = false, clients } = options
    this.#options = options
    this.#subscribers = subscribers
    this.#perDisk = perDisk
    this.#share = Math.ceil(subscribers / clients.length)
    this.#counts = clients.map((_client, index) => Math.min(this.#share, subscribers - index * this.#share))
    this.#totals = clients.map(() => 0)
  }

  /** Connects all subscribers, and measures the memory that they take. */
  async connect(): Promise<void> {
    const { contender, port } = this.#options
    const perDisk = this.#perDisk
    const transport: Transport =
      contender === 'raw' ? 'websocket' : contender === 'gateway-sse' ? 'sse' : 'graphql-ws'
    // What the very first subscriber brings into memory is not what each of them takes.
    const first = child('client-process.ts', [], {})
    const connected = clientAnswer(first, 'connected')
    first.send({ type: 'connect', port, transport, count: 1, from: 0, perDisk } satisfies ToClient)
    await connected
    await stop(first)
    await this.#memory()
    await sleep(SETTLE_MS / 3)
    const before = await this.#memory()
    await this.#ask(
      (count, from) => ({ type: 'connect', port, transport, count, from, perDisk }),
      'connected',
    )
    await sleep(SETTLE_MS)
    await this.#memory()
    this.bytesPerSubscriber = ((await this.#memory()) - before) / this.#subscribers
  }

  /** Publishes until every subscriber receives, and what is on its way has arrived. */
  async warmUp(): Promise<void> {
    for (let attempt = 0; attempt < 20; attempt++) {
      const start = await this.#received()
      this.#publish(this.#nextRows(this.#perDisk ? this.#subscribers : 1))
      for (let wait = 0; wait < 30; wait++) {
        await sleep(50)
        if ((await this.#received()) - start < this.#subscribers) continue
        // What an earlier attempt has sent may still be on its way.
        let now = await this.#received()
        for (let last = -1; last !== now; now = await this.#received()) {
          last = now
          await sleep(SETTLE_MS / 3)
        }
        this.#totals = (await this.#times(false)).map((message) => message.received)
        this.#sent = this.#totals.reduce((sum, total) => sum + total)
        return
      }
    }
    throw new Error(`${this.#options.contender}: not all ${this.#subscribers} subscribers receive.`)
  }

  /** Publishes this many rows at once, and again when everyone has them, for a time. */
  async load(rows: number, durationMs: number): Promise<Load> {
    const start = await this.#cpuMicros()
    const startedAt = performance.now()
    let messages = 0
    while (performance.now() - startedAt < durationMs) {
      const some = this.#nextRows(rows)
      const all = this.#receive(rows)
      this.#publish(some)
      await all
      messages += this.#messagesOf(some)
    }
    const wallMs = performance.now() - startedAt
    return { messages, wallMs, cpuMicros: (await this.#cpuMicros()) - start }
  }

  /** Publishes one row at a fixed rate; the milliseconds from each commit to each receipt, ascending. */
  async latencies(perSecond: number, durationMs: number): Promise<number[]> {
    const rounds = Math.round((durationMs / 1000) * perSecond)
    await this.#times(true)
    const all = this.#receive(rounds)
    const committed: number[] = []
    const startedAt = performance.now()
    for (let round = 0; round < rounds; round++) {
      await sleep(Math.max(0, startedAt + (round * 1000) / perSecond - performance.now()))
      committed.push(this.#publish(this.#nextRows(1)))
    }
    await all
    return (await this.#times(false))
      .flatMap((message) => message.times)
      .flatMap((list) => list.map((time, round) => time - (committed[round] ?? NaN)))
      .toSorted((a, b) => a - b)
  }

  /** How many messages did not arrive. */
  async lost(): Promise<number> {
    return this.#sent - (await this.#received())
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#options.parts.disposeAsync()
  }

  /** Commits and announces; the moment of the commit. */
  #publish(rows: Row[]): number {
    const { write, server } = this.#options
    write?.(rows)
    const at = now()
    server.send({ type: 'publish', rows: write ? [] : rows } satisfies ToServer)
    this.#sent += this.#messagesOf(rows)
    return at
  }

  #nextRows(count: number): Row[] {
    return Array.from({ length: count }, () => rowOf(++this.#sequence, this.#perDisk ? this.#subscribers : 1))
  }

  #messagesOf(rows: Row[]): number {
    return this.#perDisk ? rows.length : rows.length * this.#subscribers
  }

  /** Resolves when every client process has received its share of this many more rows. */
  #receive(rows: number) {
    const shareOf = (count: number) => (this.#perDisk ? (rows / this.#subscribers) * count : rows * count)
    this.#totals = this.#totals.map((total, index) => total + shareOf(this.#counts[index] ?? 0))
    return this.#ask(
      (_count, _from, index) => ({ type: 'expect', received: this.#totals[index] ?? 0 }),
      'received',
    )
  }

  async #times(record: boolean) {
    return (await this.#ask(() => ({ type: 'times', record }), 'times')).map((message) => {
      if (message.type !== 'times') throw new Error('Not the times.')
      return message
    })
  }

  async #received(): Promise<number> {
    return (await this.#times(false)).reduce((sum, message) => sum + message.received, 0)
  }

  /** Sends a message to each client process, and waits for all answers. */
  #ask(
    make: (count: number, from: number, client: number) => ToClient,
    type: 'received' | 'times' | 'connected',
  ) {
    return Promise.all(
      this.#options.clients.map((client, index) => {
        const reply = clientAnswer(client, type)
        client.send(make(this.#counts[index] ?? 0, index * this.#share, index))
        return reply
      }),
    )
  }

  async #cpuMicros(): Promise<number> {
    const { server } = this.#options
    const reply = answer(server, 'cpu')
    server.send({ type: 'cpu' } satisfies ToServer)
    return (await reply).micros
  }

  async #memory(): Promise<number> {
    const { server } = this.#options
    const reply = answer(server, 'memory')
    server.send({ type: 'memory' } satisfies ToServer)
    return (await reply).rssBytes
  }
}

/** The tags of the gateway's own are random, and as long. */
const TAG = 'AAAAAAAA'

/** Writes rows as the gateway itself would, from outside its process. */
function committer(path: string, parts: AsyncDisposableStack) {
  const db = new Database(path)
  parts.defer(() => void db.close())
  db.pragma('journal_mode = WAL')
  db.pragma('synchronous = OFF')
  db.pragma('busy_timeout = 5000')
  const insert = db.prepare(
    `INSERT INTO "SnapshotTransition" ("sequence", "tag", "accountId", "snapshotId", "diskId", "from", "to", "reason", "at")
     VALUES (@sequence, '${TAG}', '${ACCOUNT}', @snapshotId, @diskId, @from, @to, @reason, @at)`,
  )
  return db.transaction((rows: Row[]) => rows.forEach((row) => insert.run(row)))
}

function rowOf(sequence: number, disks: number): Row {
  const disk = (sequence - 1) % disks
  return {
    sequence,
    // As long as the gateway's own.
    cursor: `s${sequence}.${TAG}`,
    snapshotId: `s-bench${String(disk).padStart(4, '0')}`,
    diskId: diskOf(disk),
    from: 'CREATING',
    to: 'COMPLETED',
    reason: null,
    at: new Date().toISOString(),
  }
}
