import { createReadStream, readFileSync } from 'node:fs'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { pipeline } from 'node:stream'
import { preferences } from '../../http/preferences.ts'

/** How an asset can be sent, best first, and what its file is called for it. */
export const ENCODINGS = { br: '.br', gzip: '.gz', identity: '' } as const

export type Encoding = keyof typeof ENCODINGS

export interface Asset {
  /** The name it is served under, which carries a hash of the content. */
  file: string
  /** Its `content-type`. */
  type: string
  /** In bytes. */
  size: Record<Encoding, number>
}

/** What `npm run generate` wrote into a directory, and from what. */
export interface AssetManifest<Name extends string = string> {
  /** Changes with what the assets are made of and with the way they are written. */
  fingerprint: string
  assets: Record<Name, Asset>
}

/** Reads the manifest of a directory of assets; undefined when there is none. */
export function readManifest<Name extends string>(directory: string): AssetManifest<Name> | undefined {
  try {
    return JSON.parse(readFileSync(`${directory}manifest.json`, 'utf8')) as AssetManifest<Name>
  } catch {
    return undefined
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

/** Sends assets by file name, forever cacheable, since another content has another name; 404 for the unknown. */
export function createAssetSender(directory: string, { assets }: AssetManifest) {
  const byFile = new Map(Object.values(assets).map((asset) => [asset.file, asset]))

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
    pipeline(createReadStream(`${directory}${file}${ENCODINGS[encoding]}`), response, () => undefined)
  }
}
