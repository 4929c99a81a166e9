import { createServer, type IncomingMessage } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import type { FakeCloud } from './engine.ts'

export interface CloudRequest {
  method: string
  path: string
  query: URLSearchParams
  header: (name: string) => string | undefined
  body: Record<string, unknown>
}

/** A text in a body; empty when there is none. */
export const textOf = (value: unknown): string => (typeof value === 'string' ? value : '')

export interface CloudResponse {
  status: number
  body?: unknown
  headers?: Record<string, string>
}

/** How requests to a fake cloud look and are answered. */
export type Dialect = (cloud: FakeCloud, request: CloudRequest, url: string) => CloudResponse

export interface RunningCloud extends AsyncDisposable {
  url: URL
}

/** Serves a fake cloud over HTTP, with the faults that are switched on. */
export async function serve(cloud: FakeCloud, dialect: Dialect, port = 0): Promise<RunningCloud> {
  const server = createServer((incoming, outgoing) => {
    void bodyOf(incoming).then(async (body) => {
      const { pathname, searchParams } = new URL(incoming.url ?? '/', 'http://cloud')
      const method = incoming.method ?? 'GET'
      cloud.calls.push(`${method} ${pathname}`)
      const request = {
        method,
        path: pathname,
        query: searchParams,
        header: (name: string) => incoming.headersDistinct[name]?.[0],
        body,
      }
      const answer = answerOf(cloud, dialect, request, address())
      if (/\/(snapshot|snapshots\/detail)$/.test(pathname) && method === 'GET') await cloud.faults.listsHeld
      if (answer === 'CUT') return incoming.socket.destroy()
      const isText = typeof answer.body === 'string'
      return outgoing
        .writeHead(answer.status, {
          date: new Date(cloud.now() + (cloud.faults.clockAheadMs ?? 0)).toUTCString(),
          'content-type': isText ? 'text/html' : 'application/json',
          ...answer.headers,
        })
        .end(answer.body === undefined ? '' : isText ? answer.body : JSON.stringify(answer.body))
    })
  })
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  const address = () => `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`
  return {
    url: new URL(address()),
    async [Symbol.asyncDispose]() {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
}

/** The answer of a cloud with its faults; `CUT` where the connection ends without one. */
export function answerOf(
  cloud: FakeCloud,
  dialect: Dialect,
  request: CloudRequest,
  url: string,
): CloudResponse | 'CUT' {
  const { faults } = cloud
  const isWrite = request.method !== 'GET' && !request.path.endsWith('/auth/tokens')
  if (faults.everything) return faults.everything
  if (faults.quotasForbidden && /\/(limits|snapshot\/chain|asp)$/.test(request.path))
    return { status: 403, body: { code: 'AccessDenied', message: 'Not allowed.', requestId: 'r' } }
  if (isWrite && faults.nextWriteFails) {
    faults.nextWriteFails = false
    return { status: 500, body: '<h1>Internal Server Error</h1>' }
  }
  const answer = dialect(cloud, request, url)
  if (!isWrite || !faults.nextWriteLost || answer.status >= 400) return answer
  const how = faults.nextWriteLost
  faults.nextWriteLost = undefined
  return how === 'CUT' ? 'CUT' : { status: 500, body: '' }
}

async function bodyOf(incoming: IncomingMessage): Promise<Record<string, unknown>> {
  const chunks: Buffer[] = []
  for await (const chunk of incoming as AsyncIterable<Buffer>) chunks.push(chunk)
  const text = Buffer.concat(chunks).toString('utf8')
  return text === '' ? {} : (JSON.parse(text) as Record<string, unknown>)
}
