import { connect, type Socket } from 'node:net'
import process from 'node:process'
import { DOCUMENT, DOCUMENT_OF_DISK, diskOf, now, type FromClient, type ToClient } from './messages.ts'

/**
 * Many subscribers in one process. They count messages and look at nothing else, so that the servers are measured and
 * not the clients: bytes are read into one buffer shared by all connections.
 */

const tell = (message: FromClient) => process.send?.(message)

const shared = Buffer.alloc(256 * 1024)
const sockets: Socket[] = []
/** When each message came, by connection, while that is asked for. */
let times: number[][] | undefined
let expected = Infinity
let received = 0

function arrived(index: number, messages: number): void {
  received += messages
  if (times) {
    const list = (times[index] ??= [])
    const time = now()
    for (let i = 0; i < messages; i++) list.push(time)
  }
  checkExpected()
}

function checkExpected(): void {
  if (received < expected) return
  expected = Infinity
  tell({ type: 'received' })
}

/** Calls back with every chunk, after the head of the HTTP answer. */
function open(port: number, head: string[], body: string, onBytes: (bytes: Buffer) => void): Promise<Socket> {
  return new Promise((resolve, reject) => {
    let text: string | undefined = ''
    const socket = connect({
      port,
      host: '127.0.0.1',
      noDelay: true,
      onread: {
        buffer: shared,
        callback(length, bytes) {
          const chunk = Buffer.from(bytes.buffer, bytes.byteOffset, length)
          if (text === undefined) return (onBytes(chunk), true)
          text += chunk.toString('latin1')
          const end = text.indexOf('\r\n\r\n')
          if (end < 0) return true
          const rest = Buffer.from(text.slice(end + 4), 'latin1')
          text = undefined
          resolve(socket)
          if (rest.length > 0) onBytes(rest)
          return true
        },
      },
    })
    socket.once('error', reject)
    socket.once('close', () => {
      if (expected < Infinity) throw new Error(`A connection was closed: ${text ?? ''}`)
    })
    socket.write(`${head.join('\r\n')}\r\n\r\n${body}`)
    sockets.push(socket)
  })
}

/** Counts text frames, however they are cut; answers pings. */
function frames(onMessages: (count: number) => void, socket: () => Socket | undefined) {
  let skip = 0
  let header = Buffer.alloc(0)
  return (chunk: Buffer) => {
    let at = 0
    let messages = 0
    let bytes = chunk
    if (header.length > 0) {
      bytes = Buffer.concat([header, chunk])
      header = Buffer.alloc(0)
    }
    for (;;) {
      if (skip >= bytes.length - at) {
        skip -= bytes.length - at
        break
      }
      at += skip
      skip = 0
      const length = (bytes[at + 1] ?? 0) & 0x7f
      const size = length === 126 ? 4 : length === 127 ? 10 : 2
      if (bytes.length - at < size) {
        header = Buffer.from(bytes.subarray(at))
        break
      }
      const opcode = (bytes[at] ?? 0) & 0x0f
      if (opcode === 1) messages++
      else if (opcode === 9) socket()?.write(Buffer.from([0x8a, 0x80, 0, 0, 0, 0]))
      skip =
        length === 126
          ? bytes.readUInt16BE(at + 2)
          : length === 127
            ? Number(bytes.readBigUInt64BE(at + 2))
            : length
      at += size
    }
    if (messages > 0) onMessages(messages)
  }
}

const EVENT = Buffer.from('event: next')

/** Counts events, however they are cut. */
function events(onMessages: (count: number) => void) {
  let rest = Buffer.alloc(0)
  return (chunk: Buffer) => {
    const bytes = rest.length > 0 ? Buffer.concat([rest, chunk]) : chunk
    let messages = 0
    let end = 0
    for (let at = bytes.indexOf(EVENT); at >= 0; at = bytes.indexOf(EVENT, end)) {
      messages++
      end = at + EVENT.length
    }
    rest = Buffer.from(bytes.subarray(Math.max(end, bytes.length - EVENT.length + 1)))
    if (messages > 0) onMessages(messages)
  }
}

function textFrame(value: unknown): Buffer {
  const text = Buffer.from(JSON.stringify(value))
  const header = Buffer.from([0x81, 0x80 | 126, text.length >> 8, text.length & 0xff, 0, 0, 0, 0])
  return Buffer.concat([header, text])
}

async function subscribe(
  { port, transport, from, perDisk }: Extract<ToClient, { type: 'connect' }>,
  index: number,
): Promise<void> {
  const payload = perDisk
    ? { query: DOCUMENT_OF_DISK, variables: { disk: diskOf(from + index) } }
    : { query: DOCUMENT }
  if (transport === 'sse') {
    const body = JSON.stringify(payload)
    const head = [
      'POST /graphql HTTP/1.1',
      'host: localhost',
      'content-type: application/json',
      'accept: text/event-stream',
      `content-length: ${Buffer.byteLength(body)}`,
    ]
    await open(
      port,
      head,
      body,
      events((count) => arrived(index, count)),
    )
    return
  }
  const connection: { socket?: Socket } = {}
  const acknowledged = Promise.withResolvers<undefined>()
  let isReady = transport === 'websocket'
  const read = frames(
    (count) => {
      if (isReady) arrived(index, count)
      else acknowledged.resolve(undefined)
      isReady = true
    },
    () => connection.socket,
  )
  const head = [
    'GET /graphql HTTP/1.1',
    'host: localhost',
    'connection: upgrade',
    'upgrade: websocket',
    'sec-websocket-version: 13',
    'sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==',
    ...(transport === 'graphql-ws' ? ['sec-websocket-protocol: graphql-transport-ws'] : []),
  ]
  const socket = await open(port, head, '', read)
  connection.socket = socket
  if (transport === 'websocket') return
  socket.write(textFrame({ type: 'connection_init' }))
  await acknowledged.promise
  socket.write(textFrame({ id: crypto.randomUUID(), type: 'subscribe', payload }))
}

process.on('message', (message: ToClient) => {
  if (message.type === 'connect') void connectAll(message)
  else if (message.type === 'expect') {
    expected = message.received
    checkExpected()
  } else {
    tell({ type: 'times', times: times ?? [], received })
    times = message.record ? [] : undefined
  }
})
process.on('disconnect', () => process.exit(0))

async function connectAll(message: Extract<ToClient, { type: 'connect' }>): Promise<void> {
  for (let index = 0; index < message.count; index += 50) {
    const some = Array.from({ length: Math.min(50, message.count - index) }, (_, i) => index + i)
    await Promise.all(some.map((one) => subscribe(message, one)))
  }
  tell({ type: 'connected' })
}
