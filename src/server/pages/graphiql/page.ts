import { createHash } from 'node:crypto'
import type { AssetName } from './assets.ts'
import type { Tabs } from './tabs.ts'

/** How GraphiQL receives the events of a subscription. */
export type SubscriptionProtocol = 'ws' | 'sse'

export interface PageOptions {
  /** The path of the GraphQL endpoint, which is the path of the page too. */
  endpoint: string
  /** The path of the schema as an introspection query answers it. */
  introspection: string
  title: string
  tabs: Tabs
  headers: Record<string, string> | undefined
  protocol: SubscriptionProtocol
  /** The path each asset is served under. */
  assets: Record<AssetName, string>
}

/** Where the console keeps the credential of its tab (console/api/session.ts). */
const CREDENTIAL_KEY = 'snapgate:token'

/** How long after the last key in the editor of headers the schema is fetched again, in milliseconds. */
const HEADER_PAUSE_MS = 500

/** How many results of subscriptions are listed. */
const KEPT_EVENTS = 200

/** Runs after GraphiQL's own script. Plain JavaScript; what varies is in the page's options. */
const START = `
const { workers, credentialKey, introspection, ...options } = JSON.parse(document.getElementById('options').textContent)
const attempt = (use) => { try { return use() } catch { return undefined } }
const parsed = (text) => attempt(() => JSON.parse(text || '{}')) ?? {}
const activeTab = () => {
  const saved = attempt(() => JSON.parse(localStorage.getItem('graphiql:tabState')))
  return saved?.tabs[saved.activeTabIndex] ?? options.defaultTabs[0]
}
// The console gives the credential of its tab to the tab it opens. It stays out of the address and of the tabs, which are kept.
globalThis.opener = null
const token = attempt(() => sessionStorage.getItem(credentialKey))
const ownCredential = (headers = {}) =>
  token && !Object.keys(headers).some((name) => name.toLowerCase() === 'authorization')
    ? { authorization: 'Bearer ' + token }
    : {}
if (token) {
  // The headers that are prepared ask for a token to be put in, and would go before the one there is.
  const [{ headers: prepared }] = options.defaultTabs
  for (const tab of options.defaultTabs) delete tab.headers
  const saved = attempt(() => JSON.parse(localStorage.getItem('graphiql:tabState')))
  for (const tab of saved?.tabs ?? []) if (tab.headers === prepared) tab.headers = ''
  if (saved) attempt(() => localStorage.setItem('graphiql:tabState', JSON.stringify(saved)))
}
const refetchSchema = () => document.querySelector('button[aria-label^="Re-fetch GraphQL schema"]')?.click()
const canonical = (headers) => JSON.stringify(Object.entries(parsed(headers)).sort())
let schemaOf = canonical(activeTab().headers)
let pause
const link = new URLSearchParams(location.search)
const linked = link.has('query') && { query: link.get('query'), variables: link.get('variables') }
if (linked) options.defaultTabs.unshift(linked)
// GraphiQL looks for the tab it last showed by its content, and opens a new one when it cannot find it.
const { query, variables, headers } = linked || activeTab()
for (const [part, text] of Object.entries({ query, variables, headers })) {
  attempt(() => localStorage.setItem('graphiql:' + part, text ?? ''))
}
// The history is kept without headers, and without what holds the credentials of a cloud.
const HISTORIES = ['graphiql:queries', 'graphiql:favorites']
const withoutCredentials = (text) =>
  JSON.stringify(JSON.parse(text), (name, value) => {
    if (name === 'headers') return undefined
    return Array.isArray(value) ? value.filter((run) => !/credentials/i.test(run.query + run.variables)) : value
  })
const storage = {
  get length() { return localStorage.length },
  getItem: (key) => localStorage.getItem(key),
  setItem: (key, text) => localStorage.setItem(key, HISTORIES.includes(key) ? withoutCredentials(text) : text),
  removeItem: (key) => localStorage.removeItem(key),
  clear: () => localStorage.clear(),
}
// GraphiQL shows the last result of a subscription. All of them are listed here, the newest first.
const events = document.getElementById('events')
const list = events.querySelector('ol')
let arrived = 0
const countEvents = () => {
  events.hidden = arrived === 0
  const kept = list.childElementCount
  events.querySelector('output').textContent = kept === arrived ? arrived : kept + ' of ' + arrived
}
const note = (name, result) => {
  const time = document.createElement('time')
  const at = new Date()
  time.dateTime = at.toISOString()
  time.textContent = at.toLocaleTimeString('en-GB') + '.' + String(at.getMilliseconds()).padStart(3, '0')
  const operation = document.createElement('b')
  operation.textContent = name
  const text = document.createElement('pre')
  text.textContent = JSON.stringify(result.errors ? result : result.data, null, 1).replace(/\\n\\s*/g, ' ')
  const item = document.createElement('li')
  item.append(time, operation, text)
  list.prepend(item)
  arrived++
  while (list.childElementCount > ${KEPT_EVENTS}) list.lastChild.remove()
  countEvents()
}
events.querySelector('button').onclick = () => {
  list.replaceChildren()
  arrived = 0
  countEvents()
}
const noting = (name, results) => ({
  [Symbol.asyncIterator]() {
    const own = results[Symbol.asyncIterator]()
    return {
      next: async () => {
        const step = await own.next()
        if (!step.done) note(name, step.value)
        return step
      },
      return: async () => (await own.return?.()) ?? { done: true },
    }
  },
})
const isSubscription = ({ operationName }, { documentAST } = {}) =>
  documentAST?.definitions.some(({ operation, name }) =>
    operation === 'subscription' && (!operationName || name?.value === operationName))
const introspect = async ({ headers } = {}) => {
  const answer = await fetch(introspection, { headers: { ...ownCredential(headers), ...headers } })
  return answer.json()
}
const fetcherAround = (fetcher) => async (parameters, context) => {
  // GraphiQL's own has not been through the editor.
  if (parameters.operationName === 'IntrospectionQuery' && !context?.documentAST) return introspect(context)
  const result = await fetcher(parameters, context)
  return isSubscription(parameters, context) && result[Symbol.asyncIterator]
    ? noting(parameters.operationName || 'Subscription', result)
    : result
}
let fetchers = []
const around = (inner) => {
  if (fetchers[0] !== inner) fetchers = [inner, fetcherAround(inner)]
  return fetchers[1]
}
globalThis.MonacoEnvironment = { globalAPI: false, getWorkerUrl: (moduleId, label) => workers[label] }
YogaGraphiQL.renderYogaGraphiQL(document.getElementById('root'), {
  ...options,
  storage,
  around,
  // Instead of rewriting the address with every key: long documents would make it too long to load again.
  onEditQuery() {},
  additionalHeaders: ({ extensions } = {}) => ({
    ...options.additionalHeaders,
    ...ownCredential(extensions?.headers),
  }),
  // A WebSocket has no headers in a browser: those of the tab go into connection_init.
  connectionParams: () => {
    const headers = parsed(activeTab().headers)
    return { ...ownCredential(headers), ...headers }
  },
  // Other headers may show another schema: introspection may be for some only.
  onEditHeaders(headers) {
    clearTimeout(pause)
    pause = setTimeout(() => {
      if (attempt(() => JSON.parse(headers || '{}')) === undefined || canonical(headers) === schemaOf) return
      schemaOf = canonical(headers)
      refetchSchema()
    }, ${HEADER_PAUSE_MS})
  },
})
`

/**
 * Nothing comes from elsewhere and nothing goes elsewhere. Scripts are the assets and the one above, by hash; only
 * styles may be inline, because the editor writes its own while it runs.
 */
export const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  `script-src 'self' 'sha256-${createHash('sha256').update(START).digest('base64')}'`,
  "worker-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  'font-src data:',
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

const STYLE = `
/* GraphiQL moves a tab aside when it is pressed, so that the click misses it. */
.graphiql-tab { transform: none !important; }
html, body { height: 100%; margin: 0; overflow: hidden; }
body { display: flex; flex-direction: column; }
#root { flex: 1; min-height: 0; }
#root .graphiql-container { height: 100%; }
#events { flex: none; border-top: 1px solid #8886; color-scheme: light dark; background: Canvas; color: CanvasText; font: 13px system-ui, sans-serif; }
#events[hidden] { display: none; }
.graphiql-light #events { color-scheme: light; }
.graphiql-dark #events { color-scheme: dark; }
#events header { display: flex; align-items: center; gap: 8px; padding: 6px 16px; }
#events h2 { margin: 0; font-size: inherit; }
#events output { flex: 1; }
#events ol { height: 24vh; margin: 0; padding: 0 16px 8px; overflow: auto; list-style: none; }
#events li { display: flex; align-items: baseline; gap: 12px; padding: 3px 0; border-top: 1px solid #8883; }
#events pre { flex: 1; min-width: 0; margin: 0; white-space: pre-wrap; overflow-wrap: anywhere; }
.loading { padding: 2rem; font-family: system-ui, sans-serif; }
.protocols { font-size: 13px; font-weight: normal; white-space: nowrap; }
.protocols a { margin-left: 6px; padding: 3px 8px; border-radius: 4px; color: inherit; text-decoration: none; }
.protocols a[aria-current] { background: #8884; }
`

const PROTOCOLS = {
  ws: { label: 'WebSocket', setting: 'WS' },
  sse: { label: 'SSE', setting: 'SSE' },
} as const satisfies Record<SubscriptionProtocol, { label: string; setting: string }>

/** The page: a few kilobytes of HTML that start GraphiQL from its assets. */
export function renderPage({
  endpoint,
  introspection,
  title,
  tabs,
  headers,
  protocol,
  assets,
}: PageOptions): string {
  const options = {
    endpoint,
    introspection,
    title: `${escapeHtml(title)} ${renderProtocols(protocol)}`,
    logo: '',
    subscriptionsProtocol: PROTOCOLS[protocol].setting,
    // Subscriptions over SSE are POSTed as everything else is: a document in the address could be too long.
    method: 'POST',
    // A form on a foreign page cannot set a header.
    additionalHeaders: { 'x-graphql-yoga-csrf': '1' },
    defaultTabs: tabs.map(({ document, variables }) => ({
      query: document,
      ...(headers && { headers: JSON.stringify(headers, null, 2) }),
      ...(variables && { variables: JSON.stringify(variables, null, 2) }),
    })),
    credentialKey: CREDENTIAL_KEY,
    workers: {
      editorWorkerService: assets.editorWorker,
      json: assets.jsonWorker,
      graphql: assets.graphqlWorker,
    },
  }
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)} GraphiQL</title>
<link rel="icon" href="${assets.icon}">
<link rel="stylesheet" href="${assets.style}">
<style>${STYLE}</style>
<script defer src="${assets.script}"></script>
<script type="application/json" id="options">${JSON.stringify(options).replaceAll('<', '\\u003c')}</script>
<script type="module">${START}</script>
</head>
<body>
<div id="root"><p class="loading">Loading GraphiQL…</p></div>
<section id="events" aria-labelledby="events-title" hidden>
<header><h2 id="events-title">Subscription results</h2><output></output><button type="button">Clear</button></header>
<ol tabindex="0" aria-labelledby="events-title"></ol>
</section>
<noscript><p class="loading">GraphiQL needs JavaScript. The API does not: POST your queries to ${endpoint}.</p></noscript>
</body>
</html>
`
}

function renderProtocols(current: SubscriptionProtocol): string {
  const links = Object.entries(PROTOCOLS).map(
    ([protocol, { label }]) =>
      `<a href="?protocol=${protocol}"${protocol === current ? ' aria-current="true"' : ''}>${label}</a>`,
  )
  return `<span class="protocols" title="How subscriptions are received">${links.join('')}</span>`
}

function escapeHtml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}
