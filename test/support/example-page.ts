import { readFile } from 'node:fs/promises'
import { createServer, request, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { mkdtempDisposable } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { extname, join } from 'node:path'
import { build } from 'vite'
import type { Trial } from './trial.ts'

const EXAMPLES = fileURLToPath(new URL('../../examples', import.meta.url))
const TYPES: Record<string, string> = { '.html': 'text/html', '.js': 'text/javascript' }

/** The backend of a page: it serves its files, gives it tokens, and forwards what cannot carry one. */
export async function startBackend() {
  const server = createServer()
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const directory = await mkdtempDisposable(join(tmpdir(), 'snapgate-example-'))
  const lastEventIds: string[] = []

  async function answer(trial: Trial, question: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = question.url ?? '/'
    if (path === '/token') {
      response.end(await trial.token())
    } else if (path.startsWith('/graphql')) {
      const lastEventId = question.headers['last-event-id']
      if (typeof lastEventId === 'string') lastEventIds.push(lastEventId)
      forward(question, response, trial.endpoint + path.slice('/graphql'.length), await trial.token())
    } else {
      const file = path === '/' ? '/index.html' : path
      response.setHeader('content-type', TYPES[extname(file)] ?? 'application/octet-stream')
      response.end(await readFile(join(directory.path, file)))
    }
  }

  return {
    origin,
    /** What the browser itself has resumed with. */
    lastEventIds,

    /** Builds the example, and serves it for the trial. */
    async serve(name: string, trial: Trial): Promise<void> {
      await build({
        root: join(EXAMPLES, name),
        logLevel: 'warn',
        define: { 'import.meta.env.VITE_GATEWAY': JSON.stringify(trial.endpoint) },
        build: { outDir: directory.path, emptyOutDir: true, target: 'es2023' },
      })
      server.on('request', (question, response) => {
        answer(trial, question, response).catch(() => response.writeHead(404).end())
      })
    },

    /** Breaks every connection. */
    cut: () => server.closeAllConnections(),

    async [Symbol.asyncDispose](): Promise<void> {
      server.closeAllConnections()
      server.close()
      await directory.remove()
    },
  }
}

/** Passes a request on, and its answer as it comes; what the gateway cannot be asked fails as with any proxy. */
function forward(question: IncomingMessage, response: ServerResponse, url: string, token: string): void {
  const { host, origin } = new URL(url)
  const headers = { ...question.headers, host, origin, authorization: `Bearer ${token}` }
  const passed = request(url, { method: question.method, headers }, (answered) => {
    response.writeHead(answered.statusCode ?? 502, answered.headers)
    answered.on('error', () => response.destroy())
    answered.pipe(response)
  })
  passed.on('error', () => (response.headersSent ? response.destroy() : response.writeHead(502).end()))
  response.on('close', () => passed.destroy())
  question.pipe(passed)
}
