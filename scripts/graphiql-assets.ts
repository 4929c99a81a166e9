import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { brotliCompressSync, constants, gzipSync } from 'node:zlib'
import {
  ASSET_DIRECTORY,
  ASSETS,
  ENCODINGS,
  readManifest,
  type AssetManifest,
  type AssetName,
  type Encoding,
} from '../src/server/graphiql/assets.ts'

/** A second for all of them; 10 takes eight times as long and saves 7 %, 11 fourteen times and saves 8 %. */
const BROTLI_QUALITY = 9

/** Writes GraphiQL's assets, plain and compressed, under names with a hash; does nothing when they are there. */
export async function generateGraphiqlAssets(): Promise<void> {
  const fingerprint = currentFingerprint()
  if (isUpToDate(fingerprint)) return

  rmSync(ASSET_DIRECTORY, { recursive: true, force: true })
  mkdirSync(ASSET_DIRECTORY, { recursive: true })
  const contents = await readContents()
  const names = Object.keys(ASSETS) as AssetName[]
  const assets = Object.fromEntries(names.map((name) => [name, writeAsset(name, contents[name])]))
  // Last, so that an interrupted run is run again.
  writeFileSync(`${ASSET_DIRECTORY}manifest.json`, `${JSON.stringify({ fingerprint, assets }, null, 2)}\n`)
}

function currentFingerprint(): string {
  const require = createRequire(import.meta.url)
  return createHash('sha256')
    .update(readFileSync(require.resolve('@graphql-yoga/render-graphiql/package.json')))
    .update(readFileSync(import.meta.filename))
    .update(JSON.stringify([ASSETS, ENCODINGS]))
    .digest('hex')
}

function isUpToDate(fingerprint: string): boolean {
  if (!existsSync(`${ASSET_DIRECTORY}manifest.json`)) return false
  const manifest = readManifest()
  return (
    manifest.fingerprint === fingerprint &&
    Object.values(manifest.assets).every(({ file }) =>
      Object.values(ENCODINGS).every((suffix) => existsSync(`${ASSET_DIRECTORY}${file}${suffix}`)),
    )
  )
}

/** Imported only when needed: it is nine megabytes of source. */
async function readContents(): Promise<Record<AssetName, Buffer>> {
  const graphiql = await import('@graphql-yoga/render-graphiql/graphiql')
  return {
    script: Buffer.from(graphiql.js),
    style: Buffer.from(graphiql.css),
    icon: Buffer.from(graphiql.favicon.slice(graphiql.favicon.indexOf(',') + 1), 'base64'),
    editorWorker: Buffer.from(graphiql.editorWorkerService),
    jsonWorker: Buffer.from(graphiql.jsonWorker),
    graphqlWorker: Buffer.from(graphiql.graphqlWorker),
  }
}

function writeAsset(asset: AssetName, content: Buffer): AssetManifest['assets'][AssetName] {
  const { name, extension } = ASSETS[asset]
  const hash = createHash('sha256').update(content).digest('hex').slice(0, 16)
  const file = `${name}.${hash}.${extension}`
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
    writeFileSync(`${ASSET_DIRECTORY}${file}${ENCODINGS[encoding]}`, encoded[encoding])
  }
  return {
    file,
    size: { br: encoded.br.length, gzip: encoded.gzip.length, identity: content.length },
  }
}
