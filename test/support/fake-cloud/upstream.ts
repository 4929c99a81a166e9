import { CloudFault } from '../../../src/providers/cloud/faults.ts'
import type { Upstream } from '../../../src/providers/cloud/upstream.ts'
import type { FakeCloud } from './engine.ts'
import { answerOf, type Dialect } from './server.ts'

/** Asks a fake cloud without a network in between, for tests that ask many thousands of times. */
export function upstreamTo(cloud: FakeCloud, dialect: Dialect): Upstream {
  return ({ method, url, headers, body }) => {
    cloud.calls.push(`${method} ${url.pathname}`)
    const sent = new Headers(headers)
    const request = {
      method,
      path: url.pathname,
      query: url.searchParams,
      header: (name: string) => sent.get(name) ?? undefined,
      body: (body === undefined ? {} : JSON.parse(body)) as Record<string, unknown>,
    }
    const answer = answerOf(cloud, dialect, request, url.origin)
    if (answer === 'CUT') {
      const faultClass = method === 'GET' ? 'PASSING' : 'UNCLEAR'
      return Promise.reject(new CloudFault(faultClass, 'The connection was cut.', { code: 'ECONNRESET' }))
    }
    const date = new Date(cloud.now() + (cloud.faults.clockAheadMs ?? 0)).toUTCString()
    const received = new Headers({ date, ...answer.headers })
    const isText = typeof answer.body === 'string'
    return Promise.resolve({
      status: answer.status,
      header: (name) => received.get(name) ?? undefined,
      json: isText ? undefined : structuredClone(answer.body),
      text: isText ? String(answer.body) : JSON.stringify(answer.body ?? ''),
    })
  }
}
