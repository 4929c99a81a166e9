import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { ASSET_DIRECTORY, ASSETS, type AssetName } from '../src/server/pages/graphiql/assets.ts'
import { isUpToDate, writeAssets, WRITER } from './assets.ts'

/** Writes GraphiQL's assets, under names with a hash; does nothing when they are there. */
export async function generateGraphiqlAssets(): Promise<void> {
  const fingerprint = currentFingerprint()
  if (isUpToDate(ASSET_DIRECTORY, fingerprint)) return
  const contents = await readContents()
  const files = (Object.keys(ASSETS) as AssetName[]).map((asset) => {
    const { name, extension } = ASSETS[asset]
    const content = contents[asset]
    const hash = createHash('sha256').update(content).digest('hex').slice(0, 16)
    return [asset, { file: `${name}.${hash}.${extension}`, content }] as const
  })
  writeAssets(ASSET_DIRECTORY, fingerprint, Object.fromEntries(files))
}

function currentFingerprint(): string {
  const require = createRequire(import.meta.url)
  return createHash('sha256')
    .update(readFileSync(require.resolve('@graphql-yoga/render-graphiql/package.json')))
    .update(readFileSync(import.meta.filename))
    .update(WRITER)
    .update(JSON.stringify(ASSETS))
    .digest('hex')
}

/** Imported only when needed: it is nine megabytes of source. */
async function readContents(): Promise<Record<AssetName, Buffer>> {
  const graphiql = await import('@graphql-yoga/render-graphiql/graphiql')
  return {
    script: Buffer.from(opened(graphiql.js)),
    style: Buffer.from(graphiql.css),
    icon: Buffer.from(graphiql.favicon.slice(graphiql.favicon.indexOf(',') + 1), 'base64'),
    editorWorker: Buffer.from(graphiql.editorWorkerService),
    jsonWorker: Buffer.from(graphiql.jsonWorker),
    graphqlWorker: Buffer.from(graphiql.graphqlWorker),
  }
}

/**
 * The script with two things that Yoga's page leaves no room for: the history, which GraphiQL has unless it is given other
 * plugins, and `around`, which puts a fetcher around the page's own.
 */
function opened(script: string): string {
  const history = /const (\w+)=\{title:"History",icon:/.exec(script)?.[1] ?? ''
  return [
    ['plugins:[r],schemaDescription:', `plugins:[${history},r],schemaDescription:`],
    ['fetcher:s,children:', 'fetcher:n.around?n.around(s):s,children:'],
  ].reduce((text, [was = '', is = '']) => {
    if (history === '' || text.split(was).length !== 2) throw new Error(`GraphiQL has no longer one ${was}`)
    return text.replace(was, () => is)
  }, script)
}
