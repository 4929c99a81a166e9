import { request } from 'node:http'
import { expect, test } from 'vitest'
import { startTestApp } from '../support/app.ts'
import { rawConnection } from '../support/raw-connection.ts'

const POST = { method: 'POST', 'content-type': 'application/json' }
const QUERY = '{"query":"{ disks { totalCount } }"}'

/** The headers of an answer; its body is not waited for. */
function headersOf(
  url: string,
  { method = 'GET', ...headers }: Record<string, string>,
  body?: string,
): Promise<Record<string, unknown> & { status: number | undefined }> {
  return new Promise((resolve, reject) => {
    request(url, { method, headers, agent: false }, (response) => {
      resolve({ ...response.headers, status: response.statusCode })
      response.destroy()
    })
      .on('error', reject)
      .end(body)
  })
}

test('no answer of the API is stored by a cache, or taken for another type than it says', async () => {
  await using app = await startTestApp({ LOG_LEVEL: 'fatal', ALLOWED_ORIGINS: 'https://else.example' })
  const { endpoint, url } = app
  const { token } = await app.token()
  const authorization = `Bearer ${token}`
  const asked = { ...POST, authorization }
  const sse = { ...asked, accept: 'text/event-stream' }
  const watch = '{"query":"subscription { snapshotTransitions { to } }"}'
  const preflight = { origin: 'https://else.example', 'access-control-request-method': 'POST' }
  const kinds: [what: string, status: number, ...Parameters<typeof headersOf>][] = [
    ['data', 200, endpoint, asked, QUERY],
    ['data, from the fast path', 200, endpoint, asked, QUERY],
    ['data by GET', 200, `${endpoint}?query={__typename}`, { authorization }],
    ['an error', 200, endpoint, asked, '{"query":"{ disk(id: \\"s-a\\") { id } }"}'],
    [
      'a syntax error',
      400,
      endpoint,
      { ...asked, accept: 'application/graphql-response+json' },
      '{"query":"{"}',
    ],
    ['no JSON', 400, endpoint, asked, '{'],
    ['no credential', 401, endpoint, POST, QUERY],
    ['a credential in the address', 400, `${endpoint}?token=x`, POST, QUERY],
    ['a page of another site', 403, endpoint, { authorization, 'sec-fetch-site': 'cross-site' }],
    ['another path', 404, `${url}/nothing`, {}],
    ['another method', 405, endpoint, { method: 'PUT', authorization }],
    ['another type', 415, endpoint, { ...asked, 'content-type': 'text/plain' }, QUERY],
    ['not acceptable', 406, endpoint, { ...asked, accept: 'image/png' }, QUERY],
    ['a body that is too large', 413, endpoint, asked, ' '.repeat(300_000)],
    ['a header that is too long', 431, endpoint, { ...asked, accept: 'a'.repeat(3_000) }, QUERY],
    ['an event stream', 200, endpoint, sse, watch],
    ['an event stream of one answer', 200, endpoint, sse, QUERY],
    ['a preflight', 204, endpoint, { method: 'OPTIONS', ...preflight }],
    ['health', 200, `${url}/healthz`, {}],
    ['readiness', 200, `${url}/readyz`, {}],
  ]
  for (const [what, status, ...asking] of kinds) {
    expect([what, await headersOf(...asking)]).toEqual([
      what,
      expect.objectContaining({
        status,
        'x-content-type-options': 'nosniff',
        'cache-control': what.includes('event stream') ? 'no-store, no-transform' : 'no-store',
        ...(what.includes('event stream') && { 'x-accel-buffering': 'no' }),
      }),
    ])
  }
  // Those that are written to the connection itself.
  for (const text of ['nonsense\r\n\r\n', `GET / HTTP/1.1\r\nx: ${'a'.repeat(20_000)}\r\n\r\n`]) {
    using connection = rawConnection(url)
    connection.send(text)
    await connection.closed
    expect(connection.received()).toMatch(
      /^HTTP\/1\.1 4\d\d [^]*cache-control: no-store\r\nx-content-type-options: nosniff\r\n/,
    )
  }
  await app.db.$executeRaw`DROP TABLE "Disk"`
  expect(await headersOf(endpoint, asked, '{"query":"{ disks { nodes { id } } }"}')).toMatchObject({
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
  })
})

test('pages and their assets keep their own rules, and are not taken for another type', async () => {
  await using app = await startTestApp()

  for (const address of ['/', '/graphql', '/assets/nothing']) {
    const headers = await headersOf(app.url + address, { accept: 'text/html' })
    expect(headers['x-content-type-options']).toBe('nosniff')
    expect(headers['cache-control']).toBe(address === '/assets/nothing' ? 'no-store' : 'no-cache')
  }
})
