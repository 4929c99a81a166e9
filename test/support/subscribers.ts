import { request } from 'node:http'
import type { Socket } from 'node:net'
import { WebSocket } from 'ws'
import { appendTransitions } from '../../src/transitions/append.ts'
import type { NewTransition, Transition } from '../../src/transitions/transition.ts'
import type { TestApp } from './app.ts'
import { dropNetwork } from './dropped-network.ts'

/** Commits transitions of snapshots that nobody made, and announces them. */
export async function announce(...args: Parameters<typeof commit>): Promise<void> {
  await commit(...args)
  args[0].hub.wake()
}

/** Commits transitions of snapshots that nobody made. */
export async function commit(
  app: TestApp,
  count: number,
  transition: Partial<NewTransition<Transition>> = {},
): Promise<void> {
  const one = {
    accountId: app.viewer.accountId,
    snapshotId: 's-00000001',
    snapshotName: null,
    snapshotType: null,
    diskId: 'v-00000001',
    from: null,
    to: 'CREATING' as const,
    reason: null,
    at: new Date(0),
    ...transition,
  }
  await app.db.write((sql) => appendTransitions(sql, ...Array.from({ length: count }, () => one)))
}

/** One subscription on a connection of its own, at the level of its protocol. */
export interface Subscriber {
  /** What has come, in order. */
  answers: { data?: any; errors?: any[] }[]
  /** The `error` message, where the protocol has one. */
  error?: any[]
  isComplete: boolean
  isClosed: boolean
  /** How the connection was closed, where the protocol says. */
  closeCode?: number
  /** Reads nothing more. */
  stall: () => void
  resume: () => void
  /** Says that it wants no more, where the protocol can, and closes. */
  leave: () => void
  /** Is gone, without a word. */
  vanish: () => void
  /** Nothing reaches it any more, nor is anything told to the other side. */
  loseNetwork: () => void
}

export type Transport = 'WebSocket' | 'server-sent events' | 'multipart'
export const TRANSPORTS: Transport[] = ['WebSocket', 'server-sent events']
export const EVERY_TRANSPORT: Transport[] = [...TRANSPORTS, 'multipart']

export const MULTIPART = 'multipart/mixed;boundary=graphql;subscriptionSpec=1.0'

export function subscriber(
  app: TestApp,
  transport: Transport,
  query: string,
  variables: object = {},
): Subscriber {
  if (transport === 'WebSocket') return overWebSocket(app, query, variables)
  return overHttp(app, transport === 'multipart' ? PARTS : EVENTS, query, variables)
}

function overWebSocket(app: TestApp, query: string, variables: object): Subscriber {
  const socket = new WebSocket(app.endpoint.replace('http', 'ws'), 'graphql-transport-ws')
  const id = crypto.randomUUID()
  const send = (message: object) => socket.readyState === socket.OPEN && socket.send(JSON.stringify(message))
  let isStalled = false
  let isSubscribed = false
  const self: Subscriber = {
    answers: [],
    isComplete: false,
    isClosed: false,
    stall() {
      isStalled = true
      if (isSubscribed) socket.pause()
    },
    resume() {
      isStalled = false
      socket.resume()
    },
    leave() {
      send({ id, type: 'complete' })
      socket.close()
    },
    vanish: () => socket.terminate(),
    loseNetwork: () => dropNetwork((socket as unknown as { _socket: Socket })._socket),
  }
  socket.on('open', () => send({ type: 'connection_init' }))
  socket.on('error', () => undefined)
  socket.on('close', (code) => Object.assign(self, { isClosed: true, closeCode: code }))
  socket.on('message', (text: Buffer) => {
    const message = JSON.parse(text.toString()) as { id?: string; type: string; payload: any }
    if (message.type === 'connection_ack') {
      send({ id, type: 'subscribe', payload: { query, variables } })
      isSubscribed = true
      // A socket cannot be paused before it is open.
      if (isStalled) socket.pause()
    } else if (message.id !== id) throw new Error(`A message for ${message.id ?? 'nobody'} came to ${id}.`)
    else if (message.type === 'next') self.answers.push(message.payload)
    else if (message.type === 'error') self.error = message.payload
    else if (message.type === 'complete') self.isComplete = true
  })
  return self
}

/** How a stream over HTTP is asked for, and what it says. */
interface Reading {
  accept: string
  end: string
  /** Takes one event in. */
  read: (event: string, subscriber: Subscriber) => void
}

const EVENTS: Reading = {
  accept: 'text/event-stream',
  end: '\n\n',
  read(event, self) {
    const [, data] = /^event: next\n(?:id: .+\n)?data: (.+)$/.exec(event) ?? []
    if (data !== undefined) self.answers.push(JSON.parse(data) as object)
    else if (event.startsWith('event: complete')) self.isComplete = true
  },
}

const PARTS: Reading = {
  accept: MULTIPART,
  end: '\r\n',
  read(line, self) {
    if (line === '--graphql--') self.isComplete = true
    if (!line.startsWith('{')) return
    const { payload, errors } = JSON.parse(line) as { payload?: object | null; errors?: any[] }
    if (payload) self.answers.push(payload)
    else if (errors) self.answers.push({ errors })
  },
}

function overHttp(
  app: TestApp,
  { accept, end, read }: Reading,
  query: string,
  variables: object,
): Subscriber {
  const body = JSON.stringify({ query, variables })
  const headers = { 'content-type': 'application/json', accept }
  const client = request(app.endpoint, { method: 'POST', agent: false, headers })
  let isStalled = false
  let resume: () => void = () => undefined
  const self: Subscriber = {
    answers: [],
    isComplete: false,
    isClosed: false,
    stall: () => (isStalled = true),
    resume() {
      isStalled = false
      resume()
    },
    leave: () => client.destroy(),
    vanish: () => client.destroy(),
    loseNetwork: () => client.socket && dropNetwork(client.socket),
  }
  client.on('error', () => undefined)
  client.on('close', () => (self.isClosed = true))
  client.on('response', (response) => {
    let text = ''
    response.on('error', () => undefined)
    self.stall = () => response.pause()
    resume = () => response.resume()
    response.setEncoding('utf8').on('data', (chunk: string) => {
      const events = (text + chunk).split(end)
      text = events.pop() ?? ''
      for (const event of events) read(event, self)
    })
    if (isStalled) response.pause()
  })
  client.end(body)
  return self
}

/** The numbers of the transitions that came. */
export function sequences({ answers }: Subscriber): number[] {
  return answers.flatMap(({ data }) => (data ? [Object.values<any>(data)[0].sequence as number] : []))
}

export const range = (first: number, last: number) =>
  Array.from({ length: last - first + 1 }, (_, index) => first + index)
