import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { brotliDecompressSync, gunzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { PATHS } from '../../console/paths.ts'
import { createConsole } from '../../src/server/pages/console.ts'
import { startTestApp } from '../support/app.ts'
import { ask } from '../support/ask.ts'

const PAGES = ['/', ...PATHS.map((path) => path.replace(/:\w+/, 'an-id'))]

describe('the page', () => {
  test('is the same at the URL of every page of the console, with any query', async () => {
    await using app = await startTestApp()
    const [first, ...others] = await Promise.all(
      [...PAGES, '/snapshots?status=CREATING'].map((path) => ask(app.url + path)),
    )

    expect(first).toMatchObject({ status: 200, headers: { 'content-type': 'text/html; charset=utf-8' } })
    expect(first?.body.length).toBeLessThan(2_200)
    for (const { status, body } of others) expect([status, body]).toEqual([200, first?.body])
  })

  test.each(['/disk', '/disks/', '/disks/v-1/snapshots', '/snapshots/s-1', '/index.html', '/sign-out'])(
    'is not what %s answers',
    async (path) => {
      await using app = await startTestApp()
      const { status, body } = await ask(app.url + path)

      expect(status).toBe(404)
      expect(JSON.parse(body.toString())).toMatchObject({ errors: [{ extensions: { code: 'NOT_FOUND' } }] })
    },
  )

  test('may load and call its own origin only, has nothing inline, styles included, and no frame around it', async () => {
    await using app = await startTestApp()
    const { headers, body } = await ask(app.url)

    expect(String(headers['content-security-policy']).split('; ')).toEqual([
      "default-src 'none'",
      "script-src 'self'",
      "style-src 'self'",
      "img-src 'self' data:",
      "connect-src 'self'",
      "base-uri 'none'",
      "form-action 'none'",
      "frame-ancestors 'none'",
      "require-trusted-types-for 'script'",
      "trusted-types 'none'",
    ])
    expect(headers).toMatchObject({ 'x-content-type-options': 'nosniff', 'referrer-policy': 'no-referrer' })
    expect(body.toString()).not.toMatch(/https?:|["'(]\/\//)
  })

  test('is checked again at each visit, and sent again only when it changed', async () => {
    await using app = await startTestApp()
    const { headers } = await ask(app.url)

    expect(headers['cache-control']).toBe('no-cache')
    const again = await ask(app.url, { 'if-none-match': headers.etag ?? '' })
    expect(again).toMatchObject({ status: 304, body: Buffer.alloc(0) })
  })
})

test('the assets are kept forever, and are the same in every encoding', async () => {
  await using app = await startTestApp()
  const html = (await ask(app.url)).body.toString()
  const paths = html.match(/\/assets\/[^"]+/g) ?? []

  expect(paths.length).toBeGreaterThanOrEqual(3)
  for (const path of paths) {
    const plain = await ask(app.url + path)
    const gzip = await ask(app.url + path, { 'accept-encoding': 'gzip' })
    const brotli = await ask(app.url + path, { 'accept-encoding': 'gzip, deflate, br, zstd' })
    expect(path).toMatch(/-[\w-]{8}\.(?:js|css|svg)$/)
    expect(plain.headers['cache-control']).toBe('public, max-age=31536000, immutable')
    expect(gunzipSync(gzip.body).equals(plain.body)).toBe(true)
    expect(brotliDecompressSync(brotli.body).equals(plain.body)).toBe(true)
  }
  expect((await ask(`${app.url}/assets/manifest.json`)).status).toBe(404)
})

test('a gateway whose console is not built says what to run, and leaves every other address alone', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'snapgate-'))
  const pages = createConsole(`${directory}/`)
  const server: Server = createServer((request, response) => {
    if (!pages(request, response)) response.writeHead(404).end()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`

  const { status, body } = await ask(`${url}/snapshots`)
  expect([status, body.toString()]).toEqual([
    503,
    'The console is not built: run `npm run generate`, and start the gateway again.\n',
  ])
  expect((await ask(`${url}/graphql`)).status).toBe(404)
  server.close()
  await rm(directory, { recursive: true })
})
