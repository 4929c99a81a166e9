import { get } from 'node:http'
import { brotliDecompressSync, gunzipSync } from 'node:zlib'
import { Kind, OperationTypeNode, parse, validate } from 'graphql'
import { schema } from '../../src/graphql/schema.ts'
import { describe, expect, test } from 'vitest'
import { chooseEncoding } from '../../src/server/pages/assets/assets.ts'
import { preparedTabs } from '../../src/server/pages/graphiql/tabs.ts'
import { startTestApp } from '../support/app.ts'
import { ask } from '../support/ask.ts'

/** What browsers send when someone opens an address. */
const BROWSER = 'text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8'

/** The page, and the full addresses of the assets it names. */
async function openPage(url: string) {
  const page = await ask(url, { accept: BROWSER })
  const html = page.body.toString()
  const paths = html.match(/\/graphql\/assets\/[^"\\]+/g) ?? []
  return { page, html, assets: [...new Set(paths)].map((path) => new URL(path, url).href) }
}

describe('the page', () => {
  test('is a small HTML document at the GraphQL endpoint itself', async () => {
    await using app = await startTestApp()
    const { page } = await openPage(app.endpoint)

    expect(page.status).toBe(200)
    expect(page.headers['content-type']).toBe('text/html; charset=utf-8')
    expect(page.body.length).toBeLessThan(16_000)
  })

  test('names no other host', async () => {
    await using app = await startTestApp()
    const { html, assets } = await openPage(app.endpoint)

    expect(html).not.toMatch(/https?:|["'(]\/\//)
    expect(assets).toHaveLength(6)
  })

  test('is checked again at each visit, and sent again only when it changed', async () => {
    await using app = await startTestApp()
    const { page } = await openPage(app.endpoint)
    const etag = page.headers.etag ?? ''

    expect(page.headers['cache-control']).toBe('no-cache')
    const again = await ask(app.endpoint, { accept: BROWSER, 'if-none-match': `"other", W/${etag}` })
    expect(again).toMatchObject({ status: 304, headers: { etag }, body: Buffer.alloc(0) })
    const changed = await ask(app.endpoint, { accept: BROWSER, 'if-none-match': '"other"' })
    expect(changed.status).toBe(200)
  })

  test('allows scripts and connections of its own origin only, no eval, and no frame around it', async () => {
    await using app = await startTestApp()
    const { page } = await openPage(app.endpoint)

    expect(String(page.headers['content-security-policy']).split('; ')).toEqual([
      "default-src 'none'",
      expect.stringMatching(/^script-src 'self' 'sha256-[A-Za-z0-9+/]{43}='$/),
      "worker-src 'self'",
      "style-src 'self' 'unsafe-inline'",
      "img-src 'self' data:",
      'font-src data:',
      "connect-src 'self'",
      "base-uri 'none'",
      "form-action 'none'",
      "frame-ancestors 'none'",
    ])
    expect(page.headers['x-content-type-options']).toBe('nosniff')
    expect(page.headers['referrer-policy']).toBe('no-referrer')
  })

  test('offers WebSocket and SSE for subscriptions', async () => {
    await using app = await startTestApp()
    const { html } = await openPage(app.endpoint)
    const { html: overSse } = await openPage(`${app.endpoint}?protocol=sse`)

    expect(html).toContain('"subscriptionsProtocol":"WS"')
    expect(overSse).toContain('"subscriptionsProtocol":"SSE"')
  })

  test('answers HEAD as it answers GET, without the body', async () => {
    await using app = await startTestApp()
    const { page } = await openPage(app.endpoint)
    const head = await ask(app.endpoint, { accept: BROWSER }, { method: 'HEAD' })

    expect(head.body).toHaveLength(0)
    expect(head.headers['content-length']).toBe(String(page.body.length))
  })
})

describe('GraphQL over GET still reaches GraphQL', () => {
  const answer = { data: { __typename: 'Query' } }

  test.each([
    ['application/json'],
    ['application/graphql-response+json'],
    ['*/*'],
    ['application/json, text/html;q=0.9'],
    ['application/graphql-response+json, application/json;q=0.9, text/html'],
    ['text/html;q=0, */*'],
    [undefined],
  ])('when the client accepts %s', async (accept) => {
    await using app = await startTestApp()
    const { body } = await ask(`${app.endpoint}?query={__typename}`, {
      ...(accept && { accept }),
    })

    expect(JSON.parse(body.toString())).toMatchObject(answer)
  })

  test('and a link with a query opens GraphiQL in a browser', async () => {
    await using app = await startTestApp()
    const { page } = await openPage(`${app.endpoint}?query={__typename}`)

    expect(page.headers['content-type']).toBe('text/html; charset=utf-8')
  })
})

describe('the assets', () => {
  test('are kept forever', async () => {
    await using app = await startTestApp()
    const { assets } = await openPage(app.endpoint)

    for (const asset of assets) {
      const { status, headers } = await ask(asset)
      expect(status).toBe(200)
      expect(headers['cache-control']).toBe('public, max-age=31536000, immutable')
      expect(headers['x-content-type-options']).toBe('nosniff')
      expect(headers.vary).toBe('accept-encoding')
    }
  })

  test('are the same in every encoding, and take 2.2 MB instead of 9 as Brotli', async () => {
    await using app = await startTestApp()
    const { assets } = await openPage(app.endpoint)

    let plainSize = 0
    let brotliSize = 0
    for (const asset of assets) {
      const plain = await ask(asset)
      const gzip = await ask(asset, { 'accept-encoding': 'gzip' })
      const brotli = await ask(asset, { 'accept-encoding': 'gzip, deflate, br, zstd' })
      expect(plain.headers['content-encoding']).toBeUndefined()
      expect(gzip.headers['content-encoding']).toBe('gzip')
      expect(brotli.headers['content-encoding']).toBe('br')
      expect(gunzipSync(gzip.body).equals(plain.body)).toBe(true)
      expect(brotliDecompressSync(brotli.body).equals(plain.body)).toBe(true)
      plainSize += plain.body.length
      brotliSize += brotli.body.length
    }
    expect(plainSize).toBeGreaterThan(8_500_000)
    expect(brotliSize).toBeLessThan(2_200_000)
  })

  test('answer HEAD with the size', async () => {
    await using app = await startTestApp()
    const { assets } = await openPage(app.endpoint)
    const script = assets.find((asset) => asset.includes('/graphiql.') && asset.endsWith('.js')) ?? ''
    const head = await ask(script, { 'accept-encoding': 'br' }, { method: 'HEAD' })

    expect(head.body).toHaveLength(0)
    expect(Number(head.headers['content-length'])).toBeGreaterThan(1_000_000)
  })

  test.each(['graphiql.0000000000000000.js', '', 'manifest.json', '../manifest.json', '..%2fmanifest.json'])(
    'are not found under the name "%s"',
    async (name) => {
      await using app = await startTestApp()
      const { status, headers } = await ask(app.endpoint, {}, { path: `/graphql/assets/${name}` })

      expect(status).toBe(404)
      expect(headers['content-type']).toBe('text/plain; charset=utf-8')
    },
  )

  test('survive a client that leaves in the middle', async () => {
    await using app = await startTestApp()
    const { assets } = await openPage(app.endpoint)
    await new Promise<void>((resolve, reject) => {
      get(assets[1] ?? '', { agent: false }, (response) => {
        response.once('data', () => response.destroy())
        response.once('close', resolve)
      }).on('error', reject)
    })

    expect((await ask(app.endpoint, { accept: BROWSER })).status).toBe(200)
  })
})

test.each([
  [undefined, 'identity'],
  ['', 'identity'],
  ['gzip, deflate, br, zstd', 'br'],
  ['gzip', 'gzip'],
  ['GZIP', 'gzip'],
  ['br;q=0, gzip', 'gzip'],
  ['br;q=0.5, gzip;q=0.8', 'gzip'],
  ['br; q=0.0, gzip;q=0', 'identity'],
  ['*', 'br'],
  ['br;q=0, *', 'gzip'],
  ['identity, br;q=0.5', 'identity'],
  ['identity;q=0.5, br', 'br'],
  ['deflate', 'identity'],
])('Accept-Encoding: %s gets %s', (header, encoding) => {
  expect(chooseEncoding(header)).toBe(encoding)
})

test('the prepared tabs are one operation each, named for the tab, with the example ids in their variables', () => {
  const tabs = preparedTabs({ diskId: 'v-example', snapshotId: 's-example' })

  expect(
    tabs.map(({ document, variables }) => {
      const [operation, ...others] = parse(document).definitions
      if (operation?.kind !== Kind.OPERATION_DEFINITION || others.length > 0)
        throw new Error('Not one operation')
      return [operation.name?.value, operation.operation, variables]
    }),
  ).toEqual([
    ['ListDisks', OperationTypeNode.QUERY, undefined],
    [
      'CreateSnapshot',
      OperationTypeNode.MUTATION,
      { input: { diskId: 'v-example', name: 'my-first-snapshot' } },
    ],
    ['WatchSnapshot', OperationTypeNode.SUBSCRIPTION, { id: 's-example' }],
    ['WatchProgress', OperationTypeNode.SUBSCRIPTION, { id: 's-example' }],
    ['WatchEverything', OperationTypeNode.SUBSCRIPTION, undefined],
  ])
})

test.each(
  preparedTabs({ diskId: 'v-example', snapshotId: 's-example' }).map(
    ({ document }) => [/\w+ \w+(?=[ (].*{)/.exec(document)?.[0], document] as const,
  ),
)('the prepared tab %s fits the schema', (_operation, document) => {
  expect(validate(schema, parse(document))).toEqual([])
})
