import { fileURLToPath } from 'node:url'
import { readManifest, type AssetManifest } from '../assets/assets.ts'

/** The parts of GraphiQL, and the name each one is served under. */
export const ASSETS = {
  script: { name: 'graphiql', extension: 'js' },
  style: { name: 'graphiql', extension: 'css' },
  icon: { name: 'favicon', extension: 'ico' },
  editorWorker: { name: 'editor-worker', extension: 'js' },
  jsonWorker: { name: 'json-worker', extension: 'js' },
  graphqlWorker: { name: 'graphql-worker', extension: 'js' },
} as const

export type AssetName = keyof typeof ASSETS

/** Where the generated assets and their manifest are. */
export const ASSET_DIRECTORY = fileURLToPath(new URL('../../../generated/graphiql/', import.meta.url))

/** Reads the manifest of GraphiQL's assets; throws with the remedy when there is none. */
export function readGraphiqlManifest(): AssetManifest<AssetName> {
  const manifest = readManifest<AssetName>(ASSET_DIRECTORY)
  if (!manifest) throw new Error('The GraphiQL assets are missing: run `npm run generate`.')
  return manifest
}
