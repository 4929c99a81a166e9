import { createAssetSender } from '../assets/assets.ts'
import { createPage, sendPage, type PageHandler } from '../assets/page.ts'
import { preferences } from '../../http/preferences.ts'
import { ASSET_DIRECTORY, ASSETS, readGraphiqlManifest, type AssetName } from './assets.ts'
import { CONTENT_SECURITY_POLICY, renderPage, type SubscriptionProtocol } from './page.ts'
import type { Tabs } from './tabs.ts'

export interface GraphiqlOptions {
  /** The path of the GraphQL endpoint; default `/graphql`. */
  endpoint?: string
  /** Where introspection is served compressed and with an ETag; default `/schema.json`. */
  introspection?: string
  /** What the page is called; default `Snapgate`. */
  title?: string
  /** The tabs of a first visit; later visits find the tabs as they were left. */
  tabs: Tabs
  /** What a newcomer finds in the editor of headers. */
  headers?: Record<string, string>
}

/**
 * GraphiQL at the GraphQL endpoint itself, for a browser that opens it, with its assets below `<endpoint>/assets/`.
 * Subscriptions arrive over WebSocket, or over SSE with `?protocol=sse`. Throws when the assets were not generated.
 */
export function createGraphiql({
  endpoint = '/graphql',
  introspection = '/schema.json',
  title = 'Snapgate',
  tabs,
  headers,
}: GraphiqlOptions): PageHandler {
  const manifest = readGraphiqlManifest()
  const sendAsset = createAssetSender(ASSET_DIRECTORY, manifest)
  const assetPath = `${endpoint}/assets/`
  const assets = Object.fromEntries(
    (Object.keys(ASSETS) as AssetName[]).map((name) => [name, assetPath + manifest.assets[name].file]),
  ) as Record<AssetName, string>
  const page = (protocol: SubscriptionProtocol) =>
    createPage(
      renderPage({ endpoint, introspection, title, tabs, headers, protocol, assets }),
      CONTENT_SECURITY_POLICY,
    )
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
