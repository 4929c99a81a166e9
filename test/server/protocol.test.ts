import { once } from 'node:events'
import { describe, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { startTestApp, type TestApp } from '../support/app.ts'

const INIT = '{"type":"connection_init"}'
const WATCH = 'subscription { snapshotTransitions { to } }'
const QUERY = '{ disks { totalCount } }'
const ask = (id: string, query: string) => JSON.stringify({ id, type: 'subscribe', payload: { query } })

interface Message {
  type: string
  id?: string
  payload?: any
}

/** A connection at the level of the protocol. */
async function open(app: TestApp, protocols: string | string[] = 'graphql-transport-ws') {
  const socket = new WebSocket(app.endpoint.replace('http', 'ws'), protocols)
  const messages: Message[] = []
  const closed = once(socket, 'close').then(([code]) => code as number)
  socket.on('error', () => undefined)
  socket.on('message', (text: Buffer) => messages.push(JSON.parse(text.toString()) as Message))
  await once(socket, 'open')
  return {
    socket,
    messages,
    closed,
    send: (...texts: string[]) => texts.forEach((text) => socket.send(text)),
    types: () => messages.map(({ type, id }) => (id === undefined ? type : `${type} ${id}`)),
    [Symbol.dispose]: () => socket.terminate(),
  }
}

describe('a socket is closed', () => {
  test.each<[code: number, when: string, sent: string[]]>([
    [4400, 'what comes is not JSON', [INIT, 'hello']],
    [4400, 'what comes is empty', [INIT, '']],
    [4400, 'a message has no type', [INIT, '{}']],
    [4400, 'a message is a list', [INIT, `[${INIT}]`]],
    [4400, 'a message is null', [INIT, 'null']],
    [
      4400,
      'a message is of a type that there is not',
      [INIT, '{"type":"start","id":"1","payload":{"query":"{a}"}}'],
    ],
    [4400, 'a message is of a type for clients', [INIT, '{"type":"connection_ack"}']],
    [4400, 'it sends a result', [INIT, '{"type":"next","id":"1","payload":{"data":{}}}']],
    [4400, 'it sends errors', [INIT, '{"type":"error","id":"1","payload":[{"message":"no"}]}']],
    [
      4400,
      'an operation has no id',
      [INIT, JSON.stringify({ type: 'subscribe', payload: { query: QUERY } })],
    ],
    [4400, 'an id is empty', [INIT, ask('', QUERY)]],
    [4400, 'an id is a number', [INIT, '{"id":1,"type":"subscribe","payload":{"query":"{a}"}}']],
    [4400, 'an id is longer than 128 characters', [INIT, ask('a'.repeat(129), QUERY)]],
    [4400, 'an operation has no payload', [INIT, '{"id":"1","type":"subscribe"}']],
    [4400, 'a query is no text', [INIT, '{"id":"1","type":"subscribe","payload":{"query":1}}']],
    [
      4400,
      'variables are a text',
      [INIT, '{"id":"1","type":"subscribe","payload":{"query":"{a}","variables":"{}"}}'],
    ],
    [4400, 'the payload of a ping is a text', [INIT, '{"type":"ping","payload":"x"}']],
    [4400, 'a completion has no id', [INIT, '{"type":"complete"}']],
    [4401, 'it asks before it has introduced itself', [ask('1', QUERY)]],
    [4409, 'two operations have one id', [INIT, ask('1', WATCH), ask('1', WATCH)]],
    [4429, 'it introduces itself twice', [INIT, INIT]],
  ])('with %d when %s', async (code, _when, sent) => {
    await using app = await startTestApp({ LOG_LEVEL: 'warn' })
    using connection = await open(app)

    connection.send(...sent)

    expect(await connection.closed).toBe(code)
    await expect.poll(() => app.hub.listeners).toBe(0)
    expect(app.logged).toEqual([])
  })

  test('with 4406 when it names no protocol', async () => {
    await using app = await startTestApp()
    using connection = await open(app, [])

    expect(await connection.closed).toBe(4406)
  })

  test('and another protocol than graphql-transport-ws is not agreed on', async () => {
    await using app = await startTestApp()
    const socket = new WebSocket(app.endpoint.replace('http', 'ws'), 'graphql-ws')

    const [error] = (await once(socket, 'error')) as [Error]

    expect(error.message).toBe('Server sent no subprotocol')
  })

  test('with 4408 when it does not introduce itself within 3 s', async () => {
    await using app = await startTestApp()
    using connection = await open(app)
    const start = performance.now()

    expect(await connection.closed).toBe(4408)
    expect(performance.now() - start).toBeGreaterThan(2_900)
  })

  test('with 4400 when a message is binary', async () => {
    await using app = await startTestApp()
    using connection = await open(app)

    connection.socket.send(Buffer.from(INIT))

    expect(await connection.closed).toBe(4400)
  })

  test('with 1007 when a text is not UTF-8', async () => {
    await using app = await startTestApp()
    using connection = await open(app)

    connection.socket.send(Buffer.from([0x22, 0xff, 0x22]), { binary: false })

    expect(await connection.closed).toBe(1007)
  })

  test.each([
    ['in one frame', false],
    ['in many frames', true],
  ])('with 1009 when a message is over the limit %s', async (_how, isFragmented) => {
    await using app = await startTestApp()
    using connection = await open(app)
    connection.send(INIT)

    const pieces = isFragmented ? 100 : 1
    const text = ask('1', QUERY + ' '.repeat(257 * 1024))
    const size = Math.ceil(text.length / pieces)
    for (let i = 0; i < pieces; i++) {
      connection.socket.send(text.slice(i * size, (i + 1) * size), { fin: i === pieces - 1 })
    }

    expect(await connection.closed).toBe(1009)
  })

  test('with 1008 when a message comes in more pieces than anybody would send', async () => {
    await using app = await startTestApp()
    using connection = await open(app)

    for (let i = 0; i < 20_000; i++) connection.socket.send('', { fin: false })

    expect(await connection.closed).toBe(1008)
  })
})

describe('a socket stays open', () => {
  test('when a message comes in pieces', async () => {
    await using app = await startTestApp()
    using connection = await open(app)

    for (const text of [INIT, ask('1', QUERY)]) {
      for (const [index, letter] of Array.from(text).entries()) {
        connection.socket.send(letter, { fin: index === text.length - 1 })
      }
    }

    await expect.poll(connection.types).toEqual(['connection_ack', 'next 1', 'complete 1'])
  })

  test('and pings and pongs are answered as they are to be, before and after the introduction', async () => {
    await using app = await startTestApp()
    using connection = await open(app)

    connection.send(
      '{"type":"ping"}',
      '{"type":"pong"}',
      INIT,
      '{"type":"ping","payload":{"at":1}}',
      '{"type":"pong","payload":{}}',
    )

    await expect
      .poll(() => connection.messages)
      .toEqual([{ type: 'pong' }, { type: 'connection_ack' }, { type: 'pong', payload: { at: 1 } }])
    connection.socket.ping('transport')
    const [data] = (await once(connection.socket, 'pong')) as [Buffer]
    expect(data.toString()).toBe('transport')
  })

  test('when an operation cannot be parsed, and when one is completed that there is not', async () => {
    await using app = await startTestApp()
    using connection = await open(app)

    connection.send(INIT, ask('1', '{'), '{"id":"2","type":"complete"}', ask('3', QUERY))

    await expect.poll(connection.types).toEqual(['connection_ack', 'error 1', 'next 3', 'complete 3'])
  })

  test('and an id may be used again when its operation has ended, however it ended', async () => {
    await using app = await startTestApp()
    using connection = await open(app)
    connection.send(INIT, ask('1', WATCH))
    await expect.poll(() => app.hub.listeners).toBe(1)

    connection.send('{"id":"1","type":"complete"}', ask('1', QUERY))
    await expect.poll(connection.types).toEqual(['connection_ack', 'next 1', 'complete 1'])
    connection.send(ask('1', '{'))
    await expect.poll(connection.types).toHaveLength(4)
    connection.send(ask('1', QUERY))

    await expect
      .poll(connection.types)
      .toEqual(['connection_ack', 'next 1', 'complete 1', 'error 1', 'next 1', 'complete 1'])
    await expect.poll(() => app.hub.listeners).toBe(0)
  })

  test('and an operation that is completed at once leaves nothing behind', async () => {
    await using app = await startTestApp()
    using connection = await open(app)

    connection.send(INIT)
    for (let i = 0; i < 20; i++) connection.send(ask('1', WATCH), '{"id":"1","type":"complete"}')
    connection.send(ask('last', QUERY))

    await expect.poll(connection.types).toContain('complete last')
    await expect.poll(() => app.hub.listeners).toBe(0)
  })

  test('and names that every object has are ids like others', async () => {
    await using app = await startTestApp()
    using connection = await open(app)
    const ids = ['__proto__', 'constructor', 'toString', 'hasOwnProperty']

    connection.send(INIT, ...ids.map((id) => ask(id, QUERY)))

    await expect
      .poll(() => connection.types().toSorted())
      .toEqual(['connection_ack', ...ids.flatMap((id) => [`complete ${id}`, `next ${id}`])].toSorted())
  })
})
