import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Registry } from 'prom-client'
import { registerGauges, type Sources } from './gauges.ts'

/** Where the metrics are served. */
export interface MetricsAddress {
  host: string
  port: number
}

const PATH = '/metrics'

/**
 * Serves the metrics, on an address of their own and to anyone who can reach it. Rejects with a clear message when it cannot
 * listen there.
 */
export async function serveMetrics(
  registry: Registry,
  { host, port }: MetricsAddress,
  sources: Sources,
): Promise<{ url: string } & AsyncDisposable> {
  registerGauges(registry, sources)
  const server = createServer((request, response) => {
    if (request.url?.split('?', 1)[0] !== PATH) {
      response
        .writeHead(404, { 'content-type': 'text/plain' })
        .end(`Not found. The metrics are at ${PATH}.\n`)
      return
    }
    registry.metrics().then(
      (text) => response.writeHead(200, { 'content-type': registry.contentType }).end(text),
      (error: unknown) => response.writeHead(500, { 'content-type': 'text/plain' }).end(`${String(error)}\n`),
    )
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => {
      reject(new Error(`METRICS: cannot listen on ${host}:${port}: ${error.message}.`, { cause: error }))
    })
    server.listen(port, host, resolve)
  })
  const { address, family, port: actual } = server.address() as AddressInfo
  return {
    url: `http://${family === 'IPv6' ? `[${address}]` : address}:${actual}${PATH}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
