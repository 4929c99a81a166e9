import { spawnSync } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'

/** Licences that ask for no more than to be named. */
const PERMISSIVE = new Set([
  'MIT',
  'ISC',
  '0BSD',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'Apache-2.0',
  'BlueOak-1.0.0',
  'Unlicense',
  'CC0-1.0',
])

test('the licence of each production dependency is permissive', async () => {
  // What `npm ci --omit=dev` installs, npm says itself; the Prisma command is not among it (decision 38).
  const { stdout } = spawnSync('npm', ['ls', '--omit=dev', '--all', '--parseable'], { encoding: 'utf8' })
  const [, ...folders] = stdout.trim().split('\n')
  expect(folders.length).toBeGreaterThan(50)
  const licences = await Promise.all(
    folders.map(async (folder) => {
      const text = await readFile(join(folder, 'package.json'), 'utf8')
      return { folder, license: (JSON.parse(text) as { license?: string }).license }
    }),
  )
  expect(licences.filter(({ license }) => !isPermissive(license))).toEqual([])
  expect(folders.filter((folder) => /prisma-cli|elkjs/.test(folder))).toEqual([])
})

/** A choice of licences is permissive when one of them is. */
function isPermissive(license: string | undefined): boolean {
  if (license === undefined) return false
  return license
    .replace(/[()]/g, '')
    .split(' OR ')
    .some((one) => one.split(' AND ').every((part) => PERMISSIVE.has(part.trim())))
}
