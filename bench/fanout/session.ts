import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
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
  type FromClient,
  type FromServer,
  type Row,
  type ToClient,
  type ToServer,
  type Transport,
} from './messages.ts'

const CLIENT_PROCESSES = 2
const PATIENCE_MS = 60_000
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
export async function startSession({ contender, subscribers, perDisk = false }: SessionOptions) {
  await using parts = new AsyncDisposableStack()
  const dataDir = await mkdtemp(join(tmpdir(), 'snapgate-fanout-'))
  parts.defer(() => rm(dataDir, { recursive: true, force: true }))

  const isGateway = contender.startsWith('gateway')
  const flags = isGateway ? V8_FLAGS : []
  const server = child('server-process.ts', [contender], { DATA_DIR: dataDir }, flags)
  parts.defer(() => stop(server))
  const ready = await answer(server, 'ready')
  const write = isGateway ? committer(join(dataDir, 'snapgate.db'), parts) : undefined

  const clients = Array.from({ length: CLIENT_PROCESSES }, () => child('client-process.ts', [], {}))
  for (const client of clients) parts.defer(() => stop(client))
  const share = Math.ceil(subscribers / CLIENT_PROCESSES)
  const counts = clients.map((_client, index) => Math.min(share, subscribers - index * share))

  const tell = (message: ToServer) => server.send(message)
  const cpuMicros = async () => {
    const reply = answer(server, 'cpu')
    tell({ type: 'cpu' })
    return (await reply).micros
  }
  const memory = async () => {
    const reply = answer(server, 'memory')
    tell({ type: 'memory' })
    return (await reply).rssBytes
  }
  const ask = async (
    make: (count: number, from: number, client: number) => ToClient,
    type: 'received' | 'times' | 'connected',
  ) =>
    Promise.all(
      clients.map((client, index) => {
        const reply = clientAnswer(client, type)
        client.send(make(counts[index] ?? 0, index * share, index))
        return reply
      }),
    )

  let sequence = 0
  let sent = 0
  const nextRows = (count: number) =>
    Array.from({ length: count }, () => rowOf(++sequence, perDisk ? subscribers : 1))
  const messagesOf = (rows: Row[]) => (perDisk ? rows.length : rows.length * subscribers)

  /** Commits and announces; the moment of the commit. */
  function publish(rows: Row[]): number {
    write?.(rows)
    const at = now()
    tell({ type: 'publish', rows: write ? [] : rows })
    sent += messagesOf(rows)
    return at
  }

  /** How many messages a client process with so many connections gets of so many rows for everyone, or one each. */
  const shareOf = (rows: number, count: number) => (perDisk ? (rows / subscribers) * count : rows * count)
  /** What each client process has got, or will have got. */
  let totals = clients.map(() => 0)
  const receive = (rows: number) => {
    totals = totals.map((total, index) => total + shareOf(rows, counts[index] ?? 0))
    return ask((_count, _from, index) => ({ type: 'expect', received: totals[index] ?? 0 }), 'received')
  }
  const times = async (record: boolean) =>
    (await ask(() => ({ type: 'times', record }), 'times')).map((message) => {
      if (message.type !== 'times') throw new Error('Not the times.')
      return message
    })
  const received = async () => (await times(false)).reduce((sum, message) => sum + message.received, 0)

  const transport: Transport =
    contender === 'raw' ? 'websocket' : contender === 'gateway-sse' ? 'sse' : 'graphql-ws'
  // What the first subscriber of all brings into memory is not what each of them takes.
  {
    const first = child('client-process.ts', [], {})
    const connected = clientAnswer(first, 'connected')
    first.send({
      type: 'connect',
      port: ready.port,
      transport,
      count: 1,
      from: 0,
      perDisk,
    } satisfies ToClient)
    await connected
    await stop(first)
  }
  await memory()
  await sleep(SETTLE_MS / 3)
  const before = await memory()
  await ask(
    (count, from) => ({ type: 'connect', port: ready.port, transport, count, from, perDisk }),
    'connected',
  )
  await sleep(SETTLE_MS)
  await memory()
  const after = await memory()
  await warmUp()

  async function warmUp(): Promise<void> {
    for (let attempt = 0; attempt < 20; attempt++) {
      const start = await received()
      publish(nextRows(perDisk ? subscribers : 1))
      for (let wait = 0; wait < 30; wait++) {
        await sleep(50)
        if ((await received()) - start >= subscribers) {
          // What an earlier attempt has sent may still be on its way.
          let now = await received()
          for (let last = -1; last !== now; now = await received()) {
            last = now
            await sleep(SETTLE_MS / 3)
          }
          totals = (await times(false)).map((message) => message.received)
          sent = totals.reduce((sum, total) => sum + total)
          return
        }
      }
    }
    throw new Error(`${contender}: not all ${subscribers} subscribers receive.`)
  }

  const running = parts.move()
  return {
    bytesPerSubscriber: (after - before) / subscribers,

    /** Publishes so many rows at once, and again when everyone has them, for a time. */
    async load(rows: number, durationMs: number): Promise<Load> {
      const start = await cpuMicros()
      const startedAt = performance.now()
      let messages = 0
      while (performance.now() - startedAt < durationMs) {
        const some = nextRows(rows)
        const all = receive(rows)
        publish(some)
        await all
        messages += messagesOf(some)
      }
      const wallMs = performance.now() - startedAt
      return { messages, wallMs, cpuMicros: (await cpuMicros()) - start }
    },

    /** Publishes one row at a fixed rate; the milliseconds from each commit to each receipt, ascending. */
    async latencies(perSecond: number, durationMs: number): Promise<number[]> {
      const rounds = Math.round((durationMs / 1000) * perSecond)
      await times(true)
      const all = receive(rounds)
      const committed: number[] = []
      const startedAt = performance.now()
      for (let round = 0; round < rounds; round++) {
        await sleep(Math.max(0, startedAt + (round * 1000) / perSecond - performance.now()))
        committed.push(publish(nextRows(1)))
      }
      await all
      return (await times(false))
        .flatMap((message) => message.times)
        .flatMap((list) => list.map((time, round) => time - (committed[round] ?? NaN)))
        .toSorted((a, b) => a - b)
    },

    /** How many messages did not come. */
    lost: async () => sent - (await received()),

    [Symbol.asyncDispose]: () => running.disposeAsync(),
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

function child(
  file: string,
  args: string[],
  environment: Record<string, string>,
  flags: string[] = [],
): ChildProcess {
  return fork(join(import.meta.dirname, file), args, {
    execArgv: ['--expose-gc', ...flags],
    env: { ...process.env, NODE_ENV: 'production', ...environment },
  })
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const gone = once(child, 'exit')
  child.kill('SIGKILL')
  await gone
}

function answer<Type extends FromServer['type']>(child: ChildProcess, type: Type) {
  return message<Extract<FromServer, { type: Type }>>(child, type)
}

function clientAnswer(child: ChildProcess, type: FromClient['type']) {
  return message<FromClient>(child, type)
}

/** The next message of a type; an error when the process ends or keeps silent. */
function message<Message>(child: ChildProcess, type: string): Promise<Message> {
  return new Promise((resolve, reject) => {
    const patience = setTimeout(
      () => finish(new Error(`No ${type} within ${PATIENCE_MS} ms: something was lost.`)),
      PATIENCE_MS,
    )
    const onMessage = (received: { type: string }) => {
      if (received.type === type) finish(undefined, received as Message)
    }
    const onExit = () => finish(new Error(`A process has ended while ${type} was awaited.`))
    child.on('message', onMessage).on('exit', onExit)
    function finish(error?: Error, value?: Message): void {
      clearTimeout(patience)
      child.off('message', onMessage).off('exit', onExit)
      if (error) reject(error)
      else resolve(value as Message)
    }
  })
}
