import { spawnSync } from 'node:child_process'
import { cp, mkdtempDisposable, readdir, readFile, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'

/** The binary that the package brings for this platform. */
const COMPILER = createRequire(import.meta.url)('relay-compiler') as string

/** Compiles the fixture, changed by `edit`, against schema.graphql, in a directory that is gone afterwards. */
async function compile(edit: (source: string) => string = (source) => source) {
  await using dir = await mkdtempDisposable(join(tmpdir(), 'relay-'))
  await cp(join(import.meta.dirname, '../../schema.graphql'), join(dir.path, 'schema.graphql'))
  await cp(join(import.meta.dirname, 'fixture'), join(dir.path, 'source'), { recursive: true })
  const file = join(dir.path, 'source', 'disks.js')
  await writeFile(file, edit(await readFile(file, 'utf8')))
  const config = {
    src: './source',
    schema: './schema.graphql',
    language: 'javascript',
    eagerEsModules: true,
    customScalarTypes: { DateTime: 'string', SafeInt: 'number' },
  }
  await writeFile(join(dir.path, 'relay.config.json'), JSON.stringify(config))
  const { status, stdout, stderr } = spawnSync(COMPILER, ['relay.config.json'], {
    cwd: dir.path,
    encoding: 'utf8',
  })
  const artifacts = await readdir(join(dir.path, 'source', '__generated__')).catch(() => [])
  return { code: status, output: stdout + stderr, artifacts: artifacts.sort() }
}

test('relay-compiler compiles pages, refetches, mutations and streams of a Relay client', async () => {
  const { code, output, artifacts } = await compile()

  expect({ code, output: code === 0 ? '' : output }).toEqual({ code: 0, output: '' })
  expect(artifacts).toEqual([
    'disksCreateSnapshotMutation.graphql.js',
    'disksDiskRefetchQuery.graphql.js',
    'disksListPaginationQuery.graphql.js',
    'disksPageQuery.graphql.js',
    'disksWatchSnapshotSubscription.graphql.js',
    'disks_disk.graphql.js',
    'disks_list.graphql.js',
  ])
})

test('relay-compiler compiles a fragment that is deferred', async () => {
  const { code, output } = await compile((source) => source.replace('...disks_disk', '...disks_disk @defer'))

  expect({ code, output: code === 0 ? '' : output }).toEqual({ code: 0, output: '' })
})

test.each([
  ['a field that there is not', 'totalCount', 'count'],
  ['a type that there is not', 'fragment disks_disk on Disk', 'fragment disks_disk on Volume'],
  ['a page without its cursor', ', after: $cursor, filter: $filter', ', filter: $filter'],
])('relay-compiler fails on %s, so the check can fail', async (_what, good, bad) => {
  const { code, artifacts } = await compile((source) => source.replace(good, bad))

  expect(code).not.toBe(0)
  expect(artifacts).toEqual([])
})

test('the artifacts of the example are those of its documents and of schema.graphql', () => {
  const { status, stdout, stderr } = spawnSync(COMPILER, ['relay.config.json', '--validate'], {
    cwd: join(import.meta.dirname, '../../examples/relay'),
    encoding: 'utf8',
  })

  expect({ status, output: status === 0 ? '' : stdout + stderr }).toEqual({ status: 0, output: '' })
})
