/** How many operations are executed at once in the whole gateway, and how many of them for one connection. */
const CONCURRENCY = 16
const PER_CONNECTION = 4

/** After how many milliseconds an operation makes room for another: by then it waits for something else than its turn. */
const LONG_MS = 250

/** How long operations are started one after the other before the event loop has its turn, in milliseconds. */
const LOOP_MS = 5

/** A place among those that are executed. */
export interface Turn {
  /** It has been executed: another may. Calling it again does nothing. */
  executed: () => void
  /** Its answer has been taken by the client: the connection may have another. Calling it again does nothing. */
  answered: () => void
}

interface Connection {
  account: string
  waiting: ((turn: Turn) => void)[]
  /** Operations that are executed, or whose answers wait to be taken. */
  busy: number
}

/**
 * Who is executed next, when more is asked for than can be done at once: the accounts take turns, and within each its
 * connections. So a client waits for as many operations as there are others, however many each of them sends; and one
 * that does not read its answers has four of them made, and no more.
 */
export class FairQueue {
  readonly #connections = new WeakMap<object, Connection>()
  /** The accounts in the order of their turns; each with its connections that have something to do and may, likewise. */
  readonly #ready = new Map<string, Set<Connection>>()
  readonly #running = new Set<{ since: number; end: () => void }>()
  #impatience: NodeJS.Timeout | undefined
  #comingRound: NodeJS.Immediate | undefined
  #began: number | undefined

  /** Resolves when it is the operation's turn. How many may wait is the connection's to limit. */
  enter(account: string, key: object): Promise<Turn> {
    let connection = this.#connections.get(key)
    // A proxy may use one connection for many accounts.
    if (connection?.account !== account) {
      this.#connections.set(key, (connection = { account, waiting: [], busy: 0 }))
    }
    const { promise, resolve } = Promise.withResolvers<Turn>()
    connection.waiting.push(resolve)
    this.#queue(connection)
    this.#next()
    return promise
  }

  #queue(connection: Connection): void {
    if (connection.waiting.length === 0 || connection.busy >= PER_CONNECTION) return
    const { account } = connection
    const connections = this.#ready.get(account)
    if (connections) connections.add(connection)
    else this.#ready.set(account, new Set([connection]))
  }

  /** Starts one operation, if there is room and time; more follow when it has been executed, or the loop comes round. */
  #next(): void {
    const [first] = this.#ready
    if (first === undefined) return
    if (this.#running.size >= CONCURRENCY) {
      this.#impatience ??= setTimeout(() => this.#letLongOnesGo(), LONG_MS)
      return
    }
    if (performance.now() - this.#loopBegan() < LOOP_MS) this.#start(this.#take(...first))
    if (this.#ready.size > 0) this.#comingRound ??= setImmediate(() => this.#comeRound())
  }

  /** When operations were first started in this round of the event loop. */
  #loopBegan(): number {
    this.#comingRound ??= setImmediate(() => this.#comeRound())
    return (this.#began ??= performance.now())
  }

  #comeRound(): void {
    this.#comingRound = undefined
    this.#began = undefined
    this.#next()
  }

  /** The connection whose turn it is in this account; both go to the end. */
  #take(account: string, connections: Set<Connection>): Connection {
    const [connection] = connections as unknown as [Connection]
    this.#ready.delete(account)
    connections.delete(connection)
    if (connections.size > 0) this.#ready.set(account, connections)
    return connection
  }

  #start(connection: Connection): void {
    connection.busy++
    const start = connection.waiting.shift()
    this.#queue(connection)
    const place = {
      since: performance.now(),
      end: () => {
        if (this.#running.delete(place)) this.#next()
      },
    }
    this.#running.add(place)
    let isAnswered = false
    start?.({
      executed: place.end,
      answered: () => {
        if (isAnswered) return
        isAnswered = true
        connection.busy--
        this.#queue(connection)
        this.#next()
      },
    })
  }

  #letLongOnesGo(): void {
    this.#impatience = undefined
    const long = performance.now() - LONG_MS
    for (const place of this.#running) if (place.since <= long) place.end()
    this.#next()
  }
}
