import { request, type IncomingHttpHeaders } from 'node:http'
import { gunzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { isCompressible } from '../../src/server/http/send.ts'
import { startTestApp, type TestApp } from '../support/app.ts'

const LIST =
  '{ disks(first: 50) { nodes { id name kind status sizeGiB snapshotQuota { manual { used limit remaining } } } } }'

/** Asks as a browser or a program would, without what fetch would add or take apart. */
function ask(app: TestApp, query: string, headers: Record<string, string>) {
  const { promise, resolve, reject } = Promise.withResolvers<{ headers: IncomingHttpHeaders; body: Buffer }>()
  request(
    app.endpoint,
    { method: 'POST', headers: { 'content-type': 'application/json', ...headers }, agent: false },
    (response) => {
      const chunks: Buffer[] = []
      response
        .on('data', (chunk: Buffer) => chunks.push(chunk))
        .on('end', () => resolve({ headers: response.headers, body: Buffer.concat(chunks) }))
    },
  )
    .on('error', reject)
    .end(JSON.stringify({ query }))
  return promise
}

test("an answer to one of the gateway's own pages is compressed; short ones, and those to others, are not", async () => {
  await using app = await startTestApp()
  for (let count = 0; count < 20; count++) await app.disk()
  const own = { 'sec-fetch-site': 'same-origin', 'accept-encoding': 'gzip, deflate, br' }
  // The first answer to an Accept header is Yoga's.
  await ask(app, '{ __typename }', {})
  const plain = await ask(app, LIST, { 'accept-encoding': 'gzip' })
  expect(plain.headers['content-encoding']).toBeUndefined()
  expect(plain.body.length).toBeGreaterThan(1_400)

  const compressed = await ask(app, LIST, own)
  expect(compressed.headers).toMatchObject({
    'content-encoding': 'gzip',
    'content-length': String(compressed.body.length),
    'cache-control': 'no-store',
  })
  expect(compressed.headers.vary).toContain('accept-encoding')
  expect(JSON.parse(gunzipSync(compressed.body).toString()).data).toEqual(
    JSON.parse(plain.body.toString()).data,
  )

  for (const [query, headers] of [
    ['{ __typename }', own],
    [LIST, { ...own, 'accept-encoding': 'br, gzip;q=0' }],
    [LIST, { ...own, 'sec-fetch-site': 'same-site' }],
  ] as const) {
    expect((await ask(app, query, headers)).headers['content-encoding']).toBeUndefined()
  }
})

test('an answer that would hold up work on files while it is compressed is not', () => {
  const request = { headers: { 'sec-fetch-site': 'same-origin', 'accept-encoding': 'gzip' } }
  expect(isCompressible(request, 'x'.repeat(256 * 1024))).toBe(true)
  expect(isCompressible(request, 'x'.repeat(256 * 1024 + 1))).toBe(false)
})
