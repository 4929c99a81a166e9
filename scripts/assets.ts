/** Writes what the gateway serves to browsers: each asset plain and compressed, and last the manifest of all. */
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { extname } from 'node:path'
import { brotliCompressSync, constants, gzipSync } from 'node:zlib'
import { ENCODINGS, readManifest, type Asset, type Encoding } from '../src/server/pages/assets/assets.ts'

/** A second for all of GraphiQL; 10 takes eight times as long and saves 7 %, 11 fourteen times and saves 8 %. */
const BROTLI_QUALITY = 9

const TYPES: Record<string, string> = {
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.ico': 'image/x-icon',
}

/** Whether the directory holds everything that its manifest names, made from what has this fingerprint. */
export function isUpToDate(directory: string, fingerprint: string): boolean {
  const manifest = readManifest(directory)
  return (
    manifest?.fingerprint === fingerprint &&
    Object.values(manifest.assets).every(({ file }) =>
      Object.values(ENCODINGS).every((suffix) => existsSync(`${directory}${file}${suffix}`)),
    )
  )
}

/** Replaces a directory of assets. `files` are by name; `others` are written as they are, and not served as assets. */
export function writeAssets(
  directory: string,
  fingerprint: string,
  files: Record<string, { file: string; content: Buffer }>,
  others: Record<string, string> = {},
): void {
  rmSync(directory, { recursive: true, force: true })
  mkdirSync(directory, { recursive: true })
  const assets = Object.fromEntries(
    Object.entries(files).map(([name, { file, content }]) => [name, writeAsset(directory, file, content)]),
  )
  for (const [file, content] of Object.entries(others)) writeFileSync(`${directory}${file}`, content)
  // Last, so that an interrupted run is run again.
  writeFileSync(`${directory}manifest.json`, `${JSON.stringify({ fingerprint, assets }, null, 2)}\n`)
}

function writeAsset(directory: string, file: string, content: Buffer): Asset {
  const type = TYPES[extname(file)]
  if (!type) throw new Error(`No content type is known for ${file}.`)
  const encoded: Record<Encoding, Buffer> = {
    br: brotliCompressSync(content, {
      params: {
        [constants.BROTLI_PARAM_QUALITY]: BROTLI_QUALITY,
        [constants.BROTLI_PARAM_SIZE_HINT]: content.length,
      },
    }),
    gzip: gzipSync(content, { level: 9 }),
    identity: content,
  }
  for (const encoding of Object.keys(ENCODINGS) as Encoding[]) {
    writeFileSync(`${directory}${file}${ENCODINGS[encoding]}`, encoded[encoding])
  }
  return {
    file,
    type,
    size: { br: encoded.br.length, gzip: encoded.gzip.length, identity: content.length },
  }
}

/** The source of this file, which is part of what every fingerprint covers. */
export const WRITER = readFileSync(import.meta.filename)
