import { setImmediate } from 'node:timers/promises'
import { Client, Pool as PgPool, types, type ClientBase, type PoolClient, type QueryResult } from 'pg'
import { Unavailable } from '../../domain/unavailable.ts'
import { failureOf, isLost } from './faults.ts'
import { connectionSettings } from './settings.ts'

/** A server that has not said a word for this long while it was asked is asked whether it is there, in milliseconds. */
const SILENT_MS = 500

/** How long it has to say that it is, in milliseconds. */
const PROBE_MS = 1_000

/** The same while others have found that it is away: the caller has waited for a second before it wrote. */
const AWAY_MS = { silent: 100, probe: 500 }

/** How often silence is looked for, in milliseconds. */
const LOOK_MS = 100

/** How long a call waits for a free connection of a server that works, in milliseconds. */
const QUEUE_MS = 20_000

/** How many prepared statements a connection keeps; the texts differ by the shapes of conditions. */
const KEPT = 500

/** int8 as bigint, where the driver gives text. */
const TYPES = {
  getTypeParser(oid: number, format?: 'text' | 'binary') {
    // eslint-disable-next-line @typescript-eslint/no-unsafe-enum-assignment -- a type of the server, known or not
    return oid === INT8 ? BigInt : (types.getTypeParser(oid, format) as (value: string) => unknown)
  },
}
const INT8: number = types.builtins.INT8

export interface PoolOptions {
  url: string
  /** How many connections there are at most. */
  max: number
  /** Whether the server is known not to answer. */
  isAway: () => boolean
  /** Called with the SQL of every statement. */
  onStatement?: ((sql: string) => void) | undefined
}

interface Waiting {
  resolve: (connection: Connection) => void
  reject: (error: unknown) => void
  timer: NodeJS.Timeout
}

/**
 * Connections to a server, each used by one transaction at a time. A call waits for a free one while the server works; as
 * soon as it is known to be away, all who wait are told so, and so are those whose statements are in flight.
 */
export class Pool implements AsyncDisposable {
  readonly #options: PoolOptions
  readonly #pool: PgPool
  readonly #used = new Set<Connection>()
  readonly #waiting: Waiting[] = []
  readonly #timer: NodeJS.Timeout
  #free: number
  #probing = false
  /** When a server has last answered anything, by `performance.now()`. */
  #heardAt = 0

  constructor(options: PoolOptions) {
    this.#options = options
    this.#free = options.max
    this.#pool = new PgPool({
      ...connectionSettings(options.url),
      max: options.max,
      // They are kept: to make one takes longer than most transactions, and most of all when all want one at once.
      idleTimeoutMillis: 0,
      pipeline: true,
      types: TYPES,
      // eslint-disable-next-line @typescript-eslint/no-misused-promises -- the pool waits for it
      onConnect: checkServer,
    })
    // A connection that ends while nobody uses it is replaced by the next one.
    this.#pool.on('error', () => undefined)
    this.#timer = setInterval(() => this.#look(), LOOK_MS)
    this.#timer.unref()
  }

  /** A connection of one's own. Rejects with Unavailable when the server cannot be reached. */
  async acquire(): Promise<Connection> {
    if (this.#free === 0) return this.#queue()
    this.#free--
    return this.#connect()
  }

  /** Makes all connections, so that none has to be waited for later. Rejects when the server cannot be reached. */
  async warm(): Promise<void> {
    const connections: Connection[] = []
    // One after the other: a busy server that is asked for all at once is late with the last.
    while (connections.length < this.#options.max) connections.push(await this.acquire())
    for (const connection of connections) connection.release()
  }

  async #connect(): Promise<Connection> {
    try {
      const client = await this.#pool.connect()
      this.#heardAt = performance.now()
      const connection = new Connection(client, {
        onStatement: this.#options.onStatement,
        onHeard: (at) => (this.#heardAt = at),
        onReleased: () => this.#released(connection),
      })
      this.#used.add(connection)
      return connection
    } catch (error) {
      const failure = failureOf(error)
      this.#free++
      if (isLost(failure)) this.#rejectWaiting(failure)
      else this.#serveNext()
      throw failure
    }
  }

  #queue(): Promise<Connection> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiting.splice(this.#waiting.indexOf(waiting), 1)
        reject(new Unavailable('LOCKED', new Error('No connection to the server became free.')))
      }, QUEUE_MS)
      const waiting = { resolve, reject, timer }
      this.#waiting.push(waiting)
    })
  }

  #released(connection: Connection): void {
    this.#used.delete(connection)
    this.#free++
    this.#serveNext()
  }

  #serveNext(): void {
    const next = this.#waiting.shift()
    if (!next) return
    clearTimeout(next.timer)
    this.#free--
    this.#connect().then(next.resolve, next.reject)
  }

  #rejectWaiting(error: unknown): void {
    for (const { reject, timer } of this.#waiting.splice(0)) {
      clearTimeout(timer)
      reject(error)
    }
  }

  #look(): void {
    const now = performance.now()
    const patienceMs = this.#options.isAway() ? AWAY_MS.silent : SILENT_MS
    const silent = [...this.#used].filter(
      ({ askedAt }) => askedAt !== undefined && now - askedAt > patienceMs,
    )
    if (silent.length === 0 || this.#probing) return
    this.#probing = true
    this.#probe(silent)
      .catch(() => undefined)
      .finally(() => (this.#probing = false))
  }

  /**
   * Asks on a new connection what the server is doing for those that are silent. Ends those that it does nothing for: what
   * they were sent, or their answer, is lost. Ends all when it answers nobody.
   */
  async #probe(silent: readonly Connection[]): Promise<void> {
    const begun = performance.now()
    const patienceMs = this.#options.isAway() ? AWAY_MS.probe : PROBE_MS
    const client = new Client({
      ...connectionSettings(this.#options.url),
      connectionTimeoutMillis: patienceMs,
      query_timeout: patienceMs,
    })
    client.on('error', () => undefined)
    try {
      await client.connect()
      const { rows } = await client.query<{ pid: number }>(
        `SELECT pid FROM pg_stat_activity WHERE pid = ANY($1) AND state = 'active'`,
        [silent.map(({ pid }) => pid)],
      )
      this.#heardAt = performance.now()
      const working = new Set(rows.map(({ pid }) => pid))
      for (const connection of silent) if (!working.has(connection.pid)) connection.loseIfSilentSince(begun)
    } catch (error) {
      // A timer of a process that was held up runs before what has come in meanwhile is read.
      await setImmediate()
      if (this.#heardAt > begun) return
      const failure = new Unavailable('DISCONNECTED', error)
      this.#rejectWaiting(failure)
      for (const connection of this.#used) connection.loseIfSilentSince(begun)
    } finally {
      client.end().catch(() => undefined)
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer)
    this.#rejectWaiting(new Unavailable('DISCONNECTED'))
    await this.#pool.end()
  }
}

/** Refuses a server that acknowledges commits which a crash takes back. */
async function checkServer(client: ClientBase): Promise<void> {
  const { rows } = await client.query<{ commit: string }>(
    `SELECT current_setting('synchronous_commit') AS commit`,
  )
  if (rows[0]?.commit === 'off')
    throw new Error(
      'synchronous_commit is off on the server: it would acknowledge changes that a crash undoes.',
    )
}

interface ConnectionEvents {
  onStatement: ((sql: string) => void) | undefined
  /** The server has answered something. */
  onHeard: (at: number) => void
  onReleased: () => void
}

/** A connection while it is used. Statements are sent at once, before those sent earlier are answered, and done in order. */
export class Connection {
  readonly #client: PoolClient
  readonly #events: ConnectionEvents
  #unanswered = 0
  #isLost = false
  /** Since when the server owes it an answer, by `performance.now()`; undefined when it does not. */
  askedAt: number | undefined

  constructor(client: PoolClient, events: ConnectionEvents) {
    this.#client = client
    this.#events = events
    client.on('error', this.#onError)
  }

  /** The process of the server that works for it. */
  get pid(): number {
    return (this.#client as unknown as { processID: number }).processID
  }

  /** Runs a statement; rejects with Unavailable when the server is away. */
  async query<Row extends object>(text: string, values?: readonly unknown[]): Promise<QueryResult<Row>> {
    this.#events.onStatement?.(text)
    this.askedAt ??= performance.now()
    this.#unanswered++
    try {
      return await this.#client.query<Row>({
        text,
        ...(values && { values: [...values], ...preparedAs(text) }),
      })
    } catch (error) {
      const failure = failureOf(error)
      if (isLost(failure)) this.#isLost = true
      throw failure
    } finally {
      this.#unanswered--
      const now = performance.now()
      if (!this.#isLost) this.#events.onHeard(now)
      this.askedAt = this.#unanswered > 0 ? now : undefined
    }
  }

  /** Ends it, and what is in flight on it with an error, unless it was answered since. */
  loseIfSilentSince(at: number): void {
    if (this.askedAt === undefined || this.askedAt > at) return
    this.#isLost = true
    const { connection } = this.#client as unknown as { connection: { stream: { destroy: () => void } } }
    connection.stream.destroy()
  }

  /** Gives it back; `isBroken` when it is not to be used again. */
  release(isBroken = false): void {
    this.#client.off('error', this.#onError)
    this.#client.release(isBroken || this.#isLost)
    this.#events.onReleased()
  }

  readonly #onError = (): void => {
    this.#isLost = true
  }
}

const names = new Map<string, string>()

/** The name under which a statement is prepared, once on each connection. */
function preparedAs(text: string): { name: string } | undefined {
  const known = names.get(text)
  if (known !== undefined) return { name: known }
  if (names.size >= KEPT) return undefined
  const name = `s${names.size + 1}`
  names.set(text, name)
  return { name }
}
