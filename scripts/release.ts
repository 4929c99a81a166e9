/**
 * `npm run release -- VERSION`: makes a release of the commit that is checked out, and pushes nothing. It sets the version, dates
 * the changelog, notes the schema as released, commits, installs that commit for production and measures it, and tags it; `dist/` gets the source, the SBOM and
 * checksums.
 */
import { createHash } from 'node:crypto'
import { copyFileSync, mkdirSync, mkdtempDisposableSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { bytesIn, fail, installProduction, MOST_BYTES, NEEDED, run } from './production.ts'
import { RELEASED } from './released.ts'

const [version = '', ...more] = process.argv.slice(2)
if (more.length > 0 || !/^\d+\.\d+\.\d+$/.test(version))
  fail('Usage: npm run release -- VERSION, such as 1.2.0')

const root = process.cwd()
const git = (...args: string[]) => run('git', args, root).trim()
const file = (name: string) => join(root, name)
const replaceIn = (name: string, from: string | RegExp, to: string) => {
  const text = readFileSync(file(name), 'utf8')
  const replaced = text.replace(from, to)
  if (replaced === text) fail(`${name} does not have what is to be replaced: ${from}`)
  writeFileSync(file(name), replaced)
}

if (git('status', '--porcelain') !== '') fail('There are uncommitted changes. Commit them first.')
if (git('tag', '--list', `v${version}`) !== '') fail(`v${version} exists already.`)
const notes = /^## \[Unreleased\]\n(.*?)(?=^## \[|(?![^]))/ms.exec(
  readFileSync(file('CHANGELOG.md'), 'utf8'),
)?.[1]
if (!notes?.includes('\n- ')) fail('CHANGELOG.md lists nothing under "## [Unreleased]".')

interface Entry {
  dev?: boolean
  /** Whether it is a workspace. */
  link?: boolean
  devDependencies?: object
  workspaces?: object
}

/**
 * The SBOM of what is installed for production. `npm sbom --omit dev` also leaves out what a development dependency needs as well,
 * such as graphql: so it is made of a manifest and a lock without development dependencies.
 */
function sbomOf(folder: string): string {
  mkdirSync(folder)
  const [manifest, lock] = ['package.json', 'package-lock.json'].map(
    (name) => JSON.parse(readFileSync(file(name), 'utf8')) as object,
  ) as [Entry, { packages: Record<string, Entry> }]
  const isInstalled = (path: string, { dev = false, link = false }) =>
    path === '' || (path.startsWith('node_modules/') && !dev && !link)
  lock.packages = Object.fromEntries(
    Object.entries(lock.packages).filter(([path, entry]) => isInstalled(path, entry)),
  )
  for (const part of [manifest, lock.packages[''] ?? {}]) {
    delete part.devDependencies
    delete part.workspaces
  }
  writeFileSync(join(folder, 'package.json'), JSON.stringify(manifest))
  writeFileSync(join(folder, 'package-lock.json'), JSON.stringify(lock))
  return run(
    'npm',
    ['sbom', '--sbom-format', 'cyclonedx', '--sbom-type', 'application', '--package-lock-only'],
    folder,
  )
}

const before = git('rev-parse', 'HEAD')
try {
  const previous = (JSON.parse(readFileSync(file('package.json'), 'utf8')) as { version: string }).version
  run('npm', ['version', version, '--no-git-tag-version', '--allow-same-version', '--ignore-scripts'], root)
  if (previous !== version)
    replaceIn('deploy/kubernetes/snapgate.yaml', /image: snapgate:\S+/, `image: snapgate:${version}`)
  const today = new Date().toISOString().slice(0, 10)
  replaceIn('CHANGELOG.md', '## [Unreleased]\n', `## [Unreleased]\n\n## [${version}] - ${today}\n`)
  copyFileSync(file('schema.graphql'), RELEASED)
  git('commit', '--quiet', '--all', '--message', `Release ${version}`)

  using work = mkdtempDisposableSync(join(tmpdir(), 'snapgate-release-'))
  const app = join(work.path, 'app')
  installProduction(root, 'HEAD', app, join(work.path, 'node'))
  const bytes = NEEDED.reduce((sum, name) => sum + bytesIn(join(app, name)), 0)
  console.log(`A production install takes ${Math.ceil(bytes / 1e6)} MB.`)
  if (bytes > MOST_BYTES) fail(`That is more than ${MOST_BYTES / 1e6} MB.`)

  const dist = file('dist')
  rmSync(dist, { recursive: true, force: true })
  mkdirSync(dist)
  const source = `snapgate-${version}.tar.gz`
  const sbom = `snapgate-${version}.cdx.json`
  git(
    'archive',
    '--format',
    'tar.gz',
    '--prefix',
    `snapgate-${version}/`,
    '--output',
    join('dist', source),
    'HEAD',
  )
  const bom = sbomOf(join(work.path, 'sbom'))
  writeFileSync(join(dist, sbom), bom)
  const sums = [source, sbom].map((name) => {
    const hash = createHash('sha256')
      .update(readFileSync(join(dist, name)))
      .digest('hex')
    return `${hash}  ${name}\n`
  })
  writeFileSync(join(dist, 'SHA256SUMS'), sums.join(''))
  git('tag', '--annotate', `v${version}`, '--message', `Snapgate ${version}`)
} catch (error) {
  git('reset', '--quiet', '--hard', before)
  throw error
}
console.log(`Released ${version} in dist/. To publish it: git push --follow-tags`)
