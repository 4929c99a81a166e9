import { createReadStream, readFileSync } from 'node:fs'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { pipeline } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { preferences } from './preferences.ts'

/** The parts of GraphiQL, and the name each one is served under. */
export const ASSETS = {
  script: { name: 'graphiql', extension: 'js', type: 'text/javascript; charset=utf-8' },
  style: { name: 'graphiql', extension: 'css', type: 'text/css; charset=utf-8' },
  icon: { name: 'favicon', extension: 'ico', type: 'image/x-icon' },
  editorWorker: { name: 'editor-worker', extension: 'js', type: 'text/javascript; charset=utf-8' },
  jsonWorker: { name: 'json-worker', extension: 'js', type: 'text/javascript; charset=utf-8' },
  graphqlWorker: { name: 'graphql-worker', extension: 'js', type: 'text/javascript; charset=utf-8' },
} as const

export type AssetName = keyof typeof ASSETS

/** How an asset can be sent, best first, and what its file is called for it. */
export const ENCODINGS = { br: '.br', gzip: '.gz', identity: '' } as const

export type Encoding = keyof typeof ENCODINGS

/** What `npm run generate` wrote, and from what. */
export interface AssetManifest {
  /** Changes with the GraphiQL package and with the way its assets are written. */
  fingerprint: string
  /** The file name carries a hash of the content; sizes are in bytes. */
  assets: Record<AssetName, { file: string; size: Record<Encoding, number> }>
}

/** Where the generated assets and their `manifest.json` are. */
export const ASSET_DIRECTORY = fileURLToPath(new URL('../../generated/graphiql/', import.meta.url))

/** Reads the manifest of the generated assets; throws with the remedy when there is none. */
export function readManifest(): AssetManifest {
  try {
    return JSON.parse(readFileSync(`${ASSET_DIRECTORY}manifest.json`, 'utf8')) as AssetManifest
  } catch (cause) {
    throw new Error('The GraphiQL assets are missing: run `npm run generate`.', { cause })
  }
}

/** The encoding a client likes best; without a word from the client, no encoding. */
export function chooseEncoding(acceptEncoding: string | undefined): Encoding {
  const wanted = preferences(acceptEncoding)
  const others = wanted.get('*') ?? 0
  const identity = wanted.get('identity') ?? 0
  let best: Encoding = 'identity'
  let bestQuality = identity
  for (const encoding of ['br', 'gzip'] as const) {
    const quality = wanted.get(encoding) ?? others
    if (quality > 0 && (quality > bestQuality || (best === 'identity' && quality === bestQuality))) {
      best = encoding
      bestQuality = quality
    }
  }
  return best
}

/** Sends assets by file name, for ever cacheable, since another content has another name; 404 for the unknown. */
export function createAssetSender(manifest: AssetManifest) {
  const byFile = new Map(
    (Object.keys(ASSETS) as AssetName[]).map((name) => [
      manifest.assets[name].file,
      { type: ASSETS[name].type, size: manifest.assets[name].size },
    ]),
  )

  return (file: string, request: IncomingMessage, response: ServerResponse): void => {
    const asset = byFile.get(file)
    if (!asset) {
      response.writeHead(404, { 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-store' })
      response.end('Not found.\n')
      return
    }
    const encoding = chooseEncoding(request.headers['accept-encoding'])
    response.writeHead(200, {
      'content-type': asset.type,
      'content-length': asset.size[encoding],
      ...(encoding !== 'identity' && { 'content-encoding': encoding }),
      'cache-control': 'public, max-age=31536000, immutable',
      vary: 'accept-encoding',
      'x-content-type-options': 'nosniff',
      // Binds the workers, which do not inherit the policy of the page: they compute, and reach for nothing.
      'content-security-policy': "default-src 'none'",
    })
    if (request.method === 'HEAD') {
      response.end()
      return
    }
    // A client that leaves early is no fault; a file that cannot be read breaks the connection off.
    pipeline(createReadStream(`${ASSET_DIRECTORY}${file}${ENCODINGS[encoding]}`), response, () => undefined)
  }
}
