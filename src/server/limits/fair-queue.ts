/** How many operations are executed at once in the whole gateway, and how many of them for one account or connection. */
const CONCURRENCY = 16
const PER_ACCOUNT = 12
const PER_CONNECTION = 4

/**
 * How many are executed at once for an account while others ask too: their writes wait for the transactions of these, as there
 * is one writer. And for how long an account that has asked counts as one that does, in milliseconds.
 */
const PER_ACCOUNT_AMONG_OTHERS = 2
const ACTIVE_MS = 1_000

/** How many accounts are remembered at least. */
const FORGET_AT = 100

/**
 * How long an account pauses, while others ask too, after operations that held up the event loop: this many times
 * their duration. What takes several rounds of the loop, such as a write, then waits for one of them, not for one in each round.
 */
const PAUSE = 2

/** After how many milliseconds an operation gives up its slot: it is then waiting for something other than its turn. */
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

interface Account {
  name: string
  /** How many of its operations are executed. */
  running: number
  /** When it asked last, and until when it pauses. */
  askedAt: number
  pausesUntil: number
  /** For how many milliseconds it has held up this round of the event loop. */
  held: number
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
  /** Accounts that have asked lately or have something to do. */
  readonly #accounts = new Map<string, Account>()
  /** Those whose operations hold the event loop now, and since when; undefined when none does. */
  readonly #started = new Set<Account>()
  #heldSince: number | undefined
  /** Those that have held up this round. */
  readonly #holding = new Set<Account>()
  #forgetAt = FORGET_AT
  #impatience: NodeJS.Timeout | undefined
  #wakeUp: NodeJS.Timeout | undefined
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
    this.#account(account).askedAt = performance.now()
    this.#queue(connection)
    this.#next()
    return promise
  }

  /** What is known of an account; of those that have not asked lately, nothing is. */
  #account(name: string): Account {
    let account = this.#accounts.get(name)
    if (!account) {
      if (this.#accounts.size >= this.#forgetAt) this.#forget()
      this.#accounts.set(name, (account = { name, running: 0, askedAt: 0, pausesUntil: 0, held: 0 }))
    }
    return account
  }

  /** Forgets accounts that have not asked lately; again when there are twice as many as are left. */
  #forget(): void {
    const before = performance.now() - ACTIVE_MS
    for (const [name, { running, askedAt }] of this.#accounts)
      if (running === 0 && askedAt < before && !this.#ready.has(name)) this.#accounts.delete(name)
    this.#forgetAt = Math.max(FORGET_AT, 2 * this.#accounts.size)
  }

  /** Whether other accounts ask too. */
  #isAmongOthers({ name }: Account): boolean {
    const before = performance.now() - ACTIVE_MS
    for (const other of this.#accounts.values())
      if (other.name !== name && (other.running > 0 || other.askedAt >= before)) return true
    return false
  }

  /** The account whose turn it is: the first that has something to do and may. */
  #nextAccount(): [account: string, connections: Set<Connection>] | undefined {
    const now = performance.now()
    let wait = Infinity
    for (const [name, connections] of this.#ready) {
      const account = this.#account(name)
      const isAmongOthers = this.#isAmongOthers(account)
      if (account.running >= (isAmongOthers ? PER_ACCOUNT_AMONG_OTHERS : PER_ACCOUNT)) continue
      if (!isAmongOthers || account.pausesUntil <= now) return [name, connections]
      wait = Math.min(wait, account.pausesUntil - now)
    }
    if (wait < Infinity) {
      this.#wakeUp ??= setTimeout(() => {
        this.#wakeUp = undefined
        this.#next()
      }, wait)
    }
    return undefined
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
    if (this.#ready.size === 0) return
    const next = this.#running.size < CONCURRENCY ? this.#nextAccount() : undefined
    if (!next) {
      if (this.#running.size > 0) this.#impatience ??= setTimeout(() => this.#letLongOnesGo(), LONG_MS)
      return
    }
    if (performance.now() - this.#loopBegan() < LOOP_MS) this.#start(this.#take(...next))
    if (this.#ready.size > 0) this.#comingRound ??= setImmediate(() => this.#comeRound())
  }

  /** When operations were first started in this round of the event loop. */
  #loopBegan(): number {
    this.#comingRound ??= setImmediate(() => this.#comeRound())
    return (this.#began ??= performance.now())
  }

  /**
   * What an operation does at once ends with the microtasks. What else happens in this round of the event loop, such as a
   * commit, is not its doing.
   */
  #chargeFor(account: Account): void {
    this.#started.add(account)
    if (this.#heldSince !== undefined) return
    this.#heldSince = performance.now()
    // A tick that a microtask asks for comes after all of them.
    queueMicrotask(() => process.nextTick(() => this.#charge()))
  }

  #charge(): void {
    const now = performance.now()
    const held = now - (this.#heldSince ?? now)
    for (const account of this.#started) this.#hold(account, held)
    this.#started.clear()
    this.#heldSince = undefined
  }

  /** What is done for an account outside its operations, such as to read its messages, counts like them. */
  hold(account: string, ms: number): void {
    this.#loopBegan()
    this.#hold(this.#account(account), ms)
  }

  #hold(account: Account, ms: number): void {
    account.held += ms
    this.#holding.add(account)
    if (account.held > LOOP_MS) account.pausesUntil = performance.now() + account.held * PAUSE
  }

  #comeRound(): void {
    for (const account of this.#holding) account.held = 0
    this.#holding.clear()
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
    const account = this.#account(connection.account)
    account.running++
    this.#chargeFor(account)
    const place = {
      since: performance.now(),
      end: () => {
        if (!this.#running.delete(place)) return
        account.running--
        this.#next()
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
