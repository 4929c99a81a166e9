import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { request, type IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { openDatabase, type Database } from '../../src/database/database.ts'
import { appendTransitions } from '../../src/transitions/append.ts'
import { postGraphql } from '../support/clients.ts'
import { startGateway } from '../support/process.ts'

const CLIENTS = 200
const CUTS = 20
const TRANSITIONS = 20_000
const PER_COMMIT = 10
const SETTINGS = { LOG_POLL_MS: '10', DEMO: 'false', LEASE_MS: '1000' }
const WATCH = 'subscription ($after: String) { snapshotTransitions(after: $after) { sequence cursor } }'

interface Event {
  sequence: number
  cursor: string
}

/** Where the gateway is now, and how many of each way of losing a connection there have been. */
interface Scene {
  endpoint: string
  over: boolean
  cuts: Record<Cut, number>
  /** Connections that nobody reads any more, as after a network that is gone without a word. */
  abandoned: { destroy: () => void }[]
}

type Cut = 'reset' | 'half-open' | 'clean close'
const CUT_WAYS: Cut[] = ['reset', 'half-open', 'clean close']

interface Connection {
  /** The events until the connection ends, in any way. */
  events: AsyncIterable<Event>
  cut: (way: Cut) => void
}

/** graphql-transport-ws, spoken by hand, so that the socket below can be cut. */
function connectSocket(scene: Scene, after: string): Connection {
  const socket = new WebSocket(scene.endpoint.replace('http', 'ws'), 'graphql-transport-ws')
  const queue = eventQueue()
  socket.on('open', () => socket.send('{"type":"connection_init"}'))
  socket.on('message', (data: Buffer) => {
    const message = JSON.parse(data.toString()) as { type: string; payload?: any }
    if (message.type === 'connection_ack') {
      socket.send(
        JSON.stringify({ id: '1', type: 'subscribe', payload: { query: WATCH, variables: { after } } }),
      )
    } else if (message.type === 'next' && message.payload.data) {
      queue.push(message.payload.data.snapshotTransitions)
    } else {
      queue.end()
    }
  })
  socket.on('close', () => queue.end())
  socket.on('error', () => queue.end())
  return {
    events: queue.events(),
    cut(way) {
      const raw = (socket as unknown as { _socket: Socket })._socket
      if (way === 'reset') raw.resetAndDestroy()
      else if (way === 'clean close') socket.close(1000)
      else {
        raw.pause()
        scene.abandoned.push(raw)
      }
      queue.end()
    },
  }
}

/** Server-sent events, read from the plain response. */
function connectStream(scene: Scene, after: string): Connection {
  const queue = eventQueue()
  const headers = { 'content-type': 'application/json', accept: 'text/event-stream' }
  const post = request(scene.endpoint, { method: 'POST', headers, agent: false })
  post.on('error', () => queue.end())
  post.on('response', (response: IncomingMessage) => {
    let text = ''
    response.setEncoding('utf8')
    response.on('data', (chunk: string) => {
      text += chunk
      for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
        const data = /^data: (.+)$/m.exec(text.slice(0, end))?.[1]
        text = text.slice(end + 2)
        if (data === undefined) continue
        const event = (JSON.parse(data) as { data?: { snapshotTransitions: Event } }).data
        if (event) queue.push(event.snapshotTransitions)
        else queue.end()
      }
    })
    response.on('error', () => queue.end())
    response.on('close', () => queue.end())
  })
  post.end(JSON.stringify({ query: WATCH, variables: { after } }))
  return {
    events: queue.events(),
    cut(way) {
      if (way === 'reset') post.socket?.resetAndDestroy()
      else if (way === 'clean close') post.destroy()
      else if (post.socket) {
        post.socket.pause()
        scene.abandoned.push(post.socket)
      }
      queue.end()
    },
  }
}

/** Events that come by callback, for a loop; what comes after the end is dropped. */
function eventQueue() {
  const items: Event[] = []
  let ended = false
  let wake: () => void = () => undefined
  return {
    push(event: Event) {
      if (!ended) items.push(event)
      wake()
    },
    end() {
      ended = true
      wake()
    },
    async *events() {
      for (;;) {
        yield* items.splice(0)
        if (ended && items.length === 0) return
        if (items.length === 0) await new Promise<void>((resolve) => (wake = resolve))
      }
    },
  }
}

/** A client that is cut off a number of times, resumes each time after its last event, and keeps all events. */
async function client(scene: Scene, connect: typeof connectSocket, start: string): Promise<number[]> {
  const seen: number[] = []
  let cursor = start
  let cuts = 0
  while (!scene.over || seen.length < TRANSITIONS) {
    const connection = connect(scene, cursor)
    // So that there is always enough left to be cut off from.
    const most = Math.floor((TRANSITIONS - seen.length) / (CUTS - cuts))
    let left = cuts < CUTS ? randomInt(1, most) : Infinity
    for await (const event of connection.events) {
      seen.push(event.sequence)
      cursor = event.cursor
      if (seen.length === TRANSITIONS) {
        connection.cut('clean close')
        return seen
      }
      if (--left > 0) continue
      const way = CUT_WAYS[randomInt(CUT_WAYS.length)] ?? 'reset'
      scene.cuts[way]++
      cuts++
      connection.cut(way)
      break
    }
    await pause(randomInt(5, 50))
  }
  return seen
}

/** Snapshots that are created and fail, as fast as they can be committed. */
async function write(db: Database, accountId: string): Promise<void> {
  const at = new Date()
  for (let pair = 0; pair < TRANSITIONS / 2; pair += PER_COMMIT / 2) {
    await db.write((sql) =>
      appendTransitions(
        sql,
        ...Array.from({ length: PER_COMMIT / 2 }, (_, index) => {
          const common = {
            accountId,
            snapshotId: `s-w${String(pair + index).padStart(8, '0')}`,
            snapshotName: null,
            snapshotType: null,
            diskId: 'v-writer00',
            at,
          }
          return [
            { ...common, from: null, to: 'CREATING' as const, reason: null },
            { ...common, from: 'CREATING' as const, to: 'FAILED' as const, reason: 'no' },
          ]
        }).flat(),
      ),
    )
  }
}

test(`${CLIENTS} clients, each cut off ${CUTS} times, and a gateway killed in between: nothing is lost, doubled or out of order`, async () => {
  const dataDir = await mkdtemp(join(tmpdir(), 'snapgate-'))
  let gateway = await startGateway({ ...SETTINGS, DATA_DIR: dataDir })
  const scene: Scene = {
    endpoint: gateway.endpoint,
    over: false,
    cuts: { reset: 0, 'half-open': 0, 'clean close': 0 },
    abandoned: [],
  }
  const { data } = await postGraphql(scene.endpoint, '{ snapshots(first: 0) { streamCursor } }')
  const start = data.snapshots.streamCursor as string
  await using db = await openDatabase({ url: `file:${join(dataDir, 'snapgate.db')}` })
  const { id: accountId } = await db.account.findFirstOrThrow()

  const clients = Array.from({ length: CLIENTS }, (_, index) =>
    client(scene, index % 2 === 0 ? connectSocket : connectStream, start),
  )
  const writing = write(db, accountId).then(() => (scene.over = true))
  for (let kill = 0; kill < 3; kill++) {
    await pause(randomInt(2_000, 5_000))
    await gateway.stop('SIGKILL')
    gateway = await startGateway({ ...SETTINGS, DATA_DIR: dataDir })
    scene.endpoint = gateway.endpoint
  }
  await writing

  const histories = await Promise.all(clients)
  console.log(`${TRANSITIONS} transitions to ${CLIENTS} clients; cuts: ${JSON.stringify(scene.cuts)}`)
  const expected = Array.from({ length: TRANSITIONS }, (_, index) => index + 1)
  for (const history of histories) expect(history).toEqual(expected)
  const cuts = Object.values(scene.cuts)
  expect(cuts.reduce((sum, count) => sum + count)).toBe(CLIENTS * CUTS)
  expect(cuts.every((count) => count > CLIENTS)).toBe(true)

  for (const connection of scene.abandoned) connection.destroy()
  gateway.child.kill('SIGTERM')
  await once(gateway.child, 'exit')
  await rm(dataDir, { recursive: true })
}, 600_000)
