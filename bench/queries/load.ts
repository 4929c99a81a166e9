import { connect } from 'node:net'

export interface Load {
  requests: number
  wallMs: number
  /** Milliseconds from the last byte written to the last byte read, ascending. */
  latencies: number[]
}

export interface Target {
  port: number
  headers: Record<string, string>
}

/** One request; the text of the answer. Throws unless its status is 200. */
export async function ask(target: Target, body: string): Promise<string> {
  using connection = await open(target)
  return await connection.post(body)
}

/**
 * Keeps this many connections busy, each with one request at a time, until the time is over or enough have been
 * answered. Plain sockets, because a comfortable client would cost more than the servers it measures.
 */
export async function load(
  target: Target,
  { connections, durationMs = Infinity, requests = Infinity }: LoadOptions,
  bodyOf: (n: number) => string,
): Promise<Load> {
  const opened = await Promise.all(Array.from({ length: connections }, () => open(target)))
  const latencies: number[] = []
  let next = 0
  const start = performance.now()
  await Promise.all(
    opened.map(async (connection) => {
      while (next < requests && performance.now() - start < durationMs) {
        const body = bodyOf(next++)
        const sentAt = performance.now()
        await connection.post(body)
        latencies.push(performance.now() - sentAt)
      }
    }),
  )
  const wallMs = performance.now() - start
  for (const connection of opened) connection[Symbol.dispose]()
  return { requests: latencies.length, wallMs, latencies: latencies.sort((a, b) => a - b) }
}

export interface LoadOptions {
  connections: number
  durationMs?: number
  requests?: number
}

interface Connection extends Disposable {
  post: (body: string) => Promise<string>
}

function open({ port, headers }: Target): Promise<Connection> {
  const { promise, resolve, reject } = Promise.withResolvers<Connection>()
  const socket = connect({ port, host: '127.0.0.1', noDelay: true })
  const head = [
    'POST /graphql HTTP/1.1',
    `host: localhost:${port}`,
    'content-type: application/json',
    'accept: application/json',
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
    'content-length: ',
  ].join('\r\n')
  let waiting: PromiseWithResolvers<string> | undefined
  let received = ''
  socket.setEncoding('latin1')
  socket.once('error', (error) => (waiting ?? { reject }).reject(error))
  socket.once('close', () => waiting?.reject(new Error('The server closed the connection.')))
  socket.on('data', (text: string) => {
    received += text
    const answer = answerIn(received)
    if (answer === undefined || !waiting) return
    const { status, body } = answer
    received = ''
    const { resolve: done, reject: fail } = waiting
    waiting = undefined
    if (status === 200) done(body)
    else fail(new Error(`Status ${status}: ${body}`))
  })
  socket.once('connect', () =>
    resolve({
      post(body) {
        waiting = Promise.withResolvers()
        socket.write(`${head}${Buffer.byteLength(body)}\r\n\r\n${body}`)
        return waiting.promise
      },
      [Symbol.dispose]: () => void socket.destroy(),
    }),
  )
  return promise
}

/** The answer that has come whole; undefined when some of it is still on its way. */
function answerIn(text: string): { status: number; body: string } | undefined {
  const end = text.indexOf('\r\n\r\n')
  if (end < 0) return undefined
  const head = text.slice(0, end).toLowerCase()
  const status = Number(head.slice(9, 12))
  const body = text.slice(end + 4)
  const length = /\r\ncontent-length: *(\d+)/.exec(head)?.[1]
  if (length !== undefined) return body.length >= Number(length) ? { status, body } : undefined
  if (!body.endsWith('0\r\n\r\n')) return undefined
  return { status, body: unchunked(body) }
}

function unchunked(body: string): string {
  let text = ''
  for (let at = 0; ;) {
    const line = body.indexOf('\r\n', at)
    const size = Number.parseInt(body.slice(at, line), 16)
    if (size === 0) return text
    text += body.slice(line + 2, line + 2 + size)
    at = line + 2 + size + 2
  }
}
