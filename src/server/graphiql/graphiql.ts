import { createHash } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { ASSETS, createAssetSender, readManifest, type AssetName } from './assets.ts'
import { CONTENT_SECURITY_POLICY, renderPage, type SubscriptionProtocol } from './page.ts'
import { preferences } from './preferences.ts'
import type { Tabs } from './tabs.ts'

export interface GraphiqlOptions {
  /** The path of the GraphQL endpoint; default `/graphql`. */
  endpoint?: string
  /** What the page is called; default `Snapgate`. */
  title?: string
  /** What a newcomer finds open; whoever comes back finds the tabs as they were left. */
  tabs: Tabs
  /** What a newcomer finds in the editor of headers. */
  headers?: Record<string, string>
}

/** Answers a request that is for GraphiQL, and says whether it did; every other one is GraphQL's. */
export type GraphiqlHandler = (request: IncomingMessage, response: ServerResponse) => boolean

/**
 * GraphiQL at the GraphQL endpoint itself, for a browser that opens it, with its assets below `<endpoint>/assets/`.
 * Subscriptions arrive over WebSocket, or over SSE with `?protocol=sse`. Throws when the assets were not generated.
 */
export function createGraphiql({
  endpoint = '/graphql',
  title = 'Snapgate',
  tabs,
  headers,
}: GraphiqlOptions): GraphiqlHandler {
  const manifest = readManifest()
  const sendAsset = createAssetSender(manifest)
  const assetPath = `${endpoint}/assets/`
  const assets = Object.fromEntries(
    (Object.keys(ASSETS) as AssetName[]).map((name) => [name, assetPath + manifest.assets[name].file]),
  ) as Record<AssetName, string>
  const page = (protocol: SubscriptionProtocol) =>
    withETag(renderPage({ endpoint, title, tabs, headers, protocol, assets }))
  const pages = { ws: page('ws'), sse: page('sse') }

  return (request, response) => {
    if (request.method !== 'GET' && request.method !== 'HEAD') return false
    const [path = '', search] = (request.url ?? '').split('?', 2)
    if (path.startsWith(assetPath)) {
      sendAsset(path.slice(assetPath.length), request, response)
      return true
    }
    if (path !== endpoint || !prefersHtml(request.headers.accept)) return false
    const protocol = new URLSearchParams(search).get('protocol') === 'sse' ? 'sse' : 'ws'
    sendPage(pages[protocol], request, response)
    return true
  }
}

interface Page {
  html: Buffer
  etag: string
}

function withETag(html: string): Page {
  return {
    html: Buffer.from(html),
    etag: `"${createHash('sha256').update(html).digest('base64url').slice(0, 22)}"`,
  }
}

/** What a GraphQL client may want from the same address. */
const GRAPHQL_TYPES = [
  'application/graphql-response+json',
  'application/json',
  'text/event-stream',
  'multipart/mixed',
]

/** Only a browser asks for HTML by name, and likes it better than anything GraphQL could answer. */
function prefersHtml(accept: string | undefined): boolean {
  const wanted = preferences(accept)
  const html = wanted.get('text/html') ?? 0
  return html > 0 && GRAPHQL_TYPES.every((type) => (wanted.get(type) ?? 0) < html)
}

function sendPage({ html, etag }: Page, request: IncomingMessage, response: ServerResponse): void {
  const headers = {
    etag,
    'cache-control': 'no-cache',
    vary: 'accept',
    'content-security-policy': CONTENT_SECURITY_POLICY,
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer',
  }
  const held = request.headers['if-none-match']?.split(',').map((tag) => tag.trim().replace(/^W\//, '')) ?? []
  if (held.includes(etag) || held.includes('*')) {
    response.writeHead(304, headers).end()
    return
  }
  response.writeHead(200, {
    ...headers,
    'content-type': 'text/html; charset=utf-8',
    'content-length': html.length,
  })
  response.end(request.method === 'HEAD' ? undefined : html)
}
