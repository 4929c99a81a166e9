import { execFileSync, spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { temporary } from './support/real-disk.ts'
import { works } from './support/file-systems.ts'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const IN_CI = process.env.CI === 'true'
const MINUTES_MS = 60_000

/** Runs a script of the project in a folder; what it printed. */
function script(folder: string, name: string, ...args: string[]): string {
  return execFileSync(process.execPath, [join('scripts', name), ...args], {
    cwd: folder,
    encoding: 'utf8',
    env: { ...process.env, NODE_OPTIONS: '' },
  })
}

test.skipIf(!IN_CI && !works('command -v systemd-analyze'))(
  'systemd accepts the unit, and rates its exposure at most 1.5 of 10',
  async () => {
    await using folder = await temporary()
    // It has to find the program.
    const text = readFileSync(join(ROOT, 'deploy/systemd/snapgate.service'), 'utf8').replace(
      '/usr/bin/node',
      process.execPath,
    )
    const unit = join(folder.path, 'snapgate.service')
    writeFileSync(unit, text)

    const verified = spawnSync('systemd-analyze', ['verify', '--man=no', unit], { encoding: 'utf8' })
    // It also complains of other units of this machine.
    const complaints = verified.stderr.split('\n').filter((line) => line.includes('snapgate'))
    expect([verified.status, complaints]).toEqual([0, []])
    const rated = spawnSync(
      'systemd-analyze',
      ['security', '--offline=yes', '--no-pager', '--threshold=15', unit],
      { encoding: 'utf8' },
    )
    expect([rated.status, rated.stdout.split('\n').at(-2)]).toEqual([
      0,
      expect.stringMatching(/Overall exposure level.+: 1\.\d/),
    ])
  },
)

test.skipIf(!IN_CI && !works('[ $(id -u) = 0 ]; command -v debootstrap unshare setpriv pgrep'))(
  'the steps of the Dockerfile make an image that runs as its user on a read-only root, is healthy, and stops as process 1',
  { timeout: 15 * MINUTES_MS },
  () => {
    const output = script(ROOT, 'image.ts')

    expect(Number(/^The image takes (\d+) MB/m.exec(output)?.[1])).toBeLessThan(600)
    expect(output).toMatch(/^The gateway ran as 10001:10001 on a read-only root, and stopped in \d+ ms\.$/m)
  },
)

test(
  'one command makes a release: version, changelog, tag, SBOM and checksums, of a production install of at most 200 MB',
  { timeout: 15 * MINUTES_MS },
  async () => {
    await using folder = await temporary()
    const clone = join(folder.path, 'clone')
    const git = (...args: string[]) => execFileSync('git', args, { cwd: clone, encoding: 'utf8' }).trim()
    execFileSync('git', ['clone', '--quiet', '--no-tags', ROOT, clone])
    git('config', 'user.name', 'Release')
    git('config', 'user.email', 'release@example.com')

    const output = script(clone, 'release.ts', '9.8.7')

    expect(Number(/A production install takes (\d+) MB/.exec(output)?.[1])).toBeLessThanOrEqual(200)
    expect(git('tag', '--points-at', 'HEAD')).toBe('v9.8.7')
    expect(git('status', '--porcelain')).toBe('')
    const at = (file: string) => git('show', `v9.8.7:${file}`)
    expect(JSON.parse(at('package.json'))).toMatchObject({ version: '9.8.7' })
    expect(JSON.parse(at('package-lock.json'))).toMatchObject({ version: '9.8.7' })
    expect(at('deploy/kubernetes/snapgate.yaml')).toContain('image: snapgate:9.8.7\n')
    expect(at('CHANGELOG.md')).toMatch(/^## \[Unreleased\]\n\n## \[9\.8\.7\] - \d{4}-\d\d-\d\d\n\n### /m)
    const dist = join(clone, 'dist')
    execFileSync('sha256sum', ['--check', '--strict', 'SHA256SUMS'], { cwd: dist })
    const sbom = JSON.parse(readFileSync(join(dist, 'snapgate-9.8.7.cdx.json'), 'utf8')) as {
      bomFormat: string
      components: { name: string }[]
    }
    const names = sbom.components.map(({ name }) => name)
    expect(sbom.bomFormat).toBe('CycloneDX')
    expect(names).toContain('graphql')
    expect(names).not.toContain('vitest')
    expect(() => script(clone, 'release.ts', '9.8.7')).toThrow('v9.8.7 exists already.')
  },
)

test('a release is refused before anything changes when the version is none, or something is not committed', async () => {
  await using folder = await temporary()
  const clone = join(folder.path, 'clone')
  execFileSync('git', ['clone', '--quiet', '--no-tags', ROOT, clone])
  const head = execFileSync('git', ['rev-parse', 'HEAD'], { cwd: clone, encoding: 'utf8' })

  expect(() => script(clone, 'release.ts', '1.2')).toThrow('Usage: npm run release -- VERSION')
  writeFileSync(join(clone, 'README.md'), 'changed')
  expect(() => script(clone, 'release.ts', '1.2.3')).toThrow('There are uncommitted changes')
  expect(execFileSync('git', ['rev-parse', 'HEAD'], { cwd: clone, encoding: 'utf8' })).toBe(head)
})
