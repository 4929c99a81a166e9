import { expect, test } from 'vitest'
import { startTestApp } from '../support/app.ts'
import { rawConnection } from '../support/raw-connection.ts'

const BODY = '{"query":"{ __typename }"}'
const LONG = 15_000
/** What a request and its answer take with the client in the same process, however long they are, in milliseconds of CPU. */
const MAX_CPU_MS = 4
const ROUNDS = 10

const post = (headers: string) =>
  `POST /graphql HTTP/1.1\r\nhost: localhost\r\ncontent-length: ${BODY.length}\r\n${headers}\r\n\r\n${BODY}`
const get = (address: string, headers = '') => `GET ${address} HTTP/1.1\r\nhost: localhost\r\n${headers}\r\n`
const upgrade = (headers: string) =>
  get('/graphql', `connection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n${headers}\r\n`)

/** Long texts that take parsers apart. */
const texts = [',', 'a,', ';', 'a;', ' ', 'a ', '"', '=', 'a=b;', '\t', '/', ':', '%41'].map((text) =>
  text.repeat(LONG / text.length),
)

const requests = [
  ...['accept', 'accept-encoding', 'accept-language', 'authorization', 'connection', 'cookie', 'forwarded', 'if-none-match', 'origin', 'x-forwarded-for', 'x-request-id'].flatMap((name) => texts.map((text) => post(`content-type: application/json\r\n${name}: x${text}x`))), // prettier-ignore
  ...texts.map((text) => post(`content-type: application/json${text}x`)),
  ...texts.map((text) => get('/', `if-none-match: x${text}x\r\n`)),
  ...texts.map((text) => get('/graphql', `accept: text/html,x${text}x\r\n`)),
  ...texts.map((text) => upgrade(`sec-websocket-protocol: x${text}x`)),
  ...texts.map((text) => upgrade(`sec-websocket-key: x${text}x`)),
  ...['&', 'a&', 'a=b&', '%41', '?', 'eyJ.', 'sg_', 'eyJa.eyJa.'].flatMap((text) => {
    const long = text.repeat(LONG / text.length)
    return [get(`/graphql?${long}`), get(`/graphql?query=${long}`), get(`/${long}`), get(`/assets/${long}`)]
  }),
]

test('no request with long texts takes much CPU, before or after authentication', async () => {
  await using app = await startTestApp()
  const { token } = await app.token()
  const credential = `\r\nauthorization: Bearer ${token}\r\n\r\n`
  const slow: unknown[] = []

  async function cpuOf(request: string): Promise<number> {
    using connection = rawConnection(app.url)
    const start = process.cpuUsage()
    connection.send(request)
    await new Promise<void>((resolve) =>
      connection.socket.once('data', () => resolve()).once('close', resolve),
    )
    const { user, system } = process.cpuUsage(start)
    return (user + system) / 1000
  }

  for (const request of requests) {
    for (const sent of [request, request.replace('\r\n\r\n', credential)]) {
      let least = Infinity
      for (let i = 0; i < ROUNDS && least > MAX_CPU_MS; i++) least = Math.min(least, await cpuOf(sent))
      if (least > MAX_CPU_MS) slow.push([sent.slice(0, 200), least])
    }
  }

  expect(slow).toEqual([])
}, 60_000)
