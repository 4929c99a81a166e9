import { createHash } from 'node:crypto'
import { globSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Rolldown } from 'vite'
import { ASSET_PATH, CONSOLE_DIRECTORY } from '../src/server/pages/console.ts'
import { isUpToDate, writeAssets, WRITER } from './assets.ts'

const ROOT = fileURLToPath(new URL('..', import.meta.url))

/** Builds the web console; does nothing when it is there, built from what is here now. */
export async function generateConsole(): Promise<void> {
  const fingerprint = currentFingerprint()
  if (isUpToDate(CONSOLE_DIRECTORY, fingerprint)) return
  const output = await bundle()
  const page = output.find(({ fileName }) => fileName === 'index.html')
  const assets = output
    .filter((file) => file !== page)
    .map((file) => {
      const name = file.fileName.slice(ASSET_PATH.length - 1)
      return [name, { file: name, content: contentOf(file) }] as const
    })
  if (!page) throw new Error('The build of the console has no page.')
  writeAssets(CONSOLE_DIRECTORY, fingerprint, Object.fromEntries(assets), {
    'index.html': contentOf(page).toString(),
  })
}

function currentFingerprint(): string {
  const hash = createHash('sha256')
    .update(WRITER)
    .update(readFileSync(import.meta.filename))
  const sources = globSync(
    ['console/**/*.{ts,tsx,css,html,svg,json}', 'client/src/**/*.ts', 'schema.graphql', 'package-lock.json'],
    { cwd: ROOT },
  ).toSorted()
  for (const file of sources) hash.update(file).update(readFileSync(`${ROOT}${file}`))
  return hash.digest('hex')
}

async function bundle(): Promise<(Rolldown.OutputAsset | Rolldown.OutputChunk)[]> {
  const { build } = await import('vite')
  const built = await build({ root: `${ROOT}console`, logLevel: 'warn', build: { write: false } })
  return [built].flat().flatMap((result) => ('output' in result ? result.output : []))
}

function contentOf(file: Rolldown.OutputAsset | Rolldown.OutputChunk): Buffer {
  return Buffer.from(file.type === 'chunk' ? file.code : file.source)
}
