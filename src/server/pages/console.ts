import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { createAssetSender, readManifest } from './assets/assets.ts'
import { createPage, sendPage, type PageHandler } from './assets/page.ts'

/** Where `npm run generate` puts the built console: its page, its assets and their manifest. */
export const CONSOLE_DIRECTORY = fileURLToPath(new URL('../../generated/console/', import.meta.url))

/** Below which path the console's assets are served. */
export const ASSET_PATH = '/assets/'

/** The addresses of the console's pages; every other one is not its own. */
const PAGES = /^\/(?:(?:disks|policies|connections)(?:\/[^/]+)?|overview|snapshots|activity|tokens)?$/

/** Nothing comes from elsewhere, nothing goes elsewhere, and nothing is inline: not even styles. */
const CONTENT_SECURITY_POLICY = [
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
].join('; ')

/** The web console at `/` and the addresses of its pages. Says what to run at each of them when it has not been built. */
export function createConsole(directory = CONSOLE_DIRECTORY): PageHandler {
  const manifest = readManifest(directory)
  if (!manifest) return notBuilt
  const sendAsset = createAssetSender(directory, manifest)
  const page = createPage(readFileSync(`${directory}index.html`, 'utf8'), CONTENT_SECURITY_POLICY)

  return (request, response) => {
    if (request.method !== 'GET' && request.method !== 'HEAD') return false
    const path = (request.url ?? '').split('?', 1)[0] ?? ''
    if (path.startsWith(ASSET_PATH)) {
      sendAsset(path.slice(ASSET_PATH.length), request, response)
      return true
    }
    if (!PAGES.test(path)) return false
    sendPage(page, request, response)
    return true
  }
}

const notBuilt: PageHandler = ({ url = '' }, response) => {
  if (!PAGES.test(url.split('?', 1)[0] ?? '')) return false
  response.writeHead(503, { 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-store' })
  response.end('The console is not built: run `npm run generate`, and start the gateway again.\n')
  return true
}
