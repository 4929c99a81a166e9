import { readFile } from 'node:fs/promises'
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

interface Package {
  dev?: boolean
  devOptional?: boolean
  optional?: boolean
}

test('the licence of each production dependency is permissive', async () => {
  const { packages } = JSON.parse(
    await readFile(new URL('../package-lock.json', import.meta.url), 'utf8'),
  ) as {
    packages: Record<string, Package>
  }
  // What is `devOptional` comes with the Prisma command, a tool of development that its client names as an optional peer.
  const production = Object.entries(packages).filter(
    ([path, { dev, devOptional }]) => path !== '' && dev !== true && devOptional !== true,
  )
  const licences = await Promise.all(
    production.map(async ([path, { optional }]) => {
      const text = await readFile(new URL(`../${path}/package.json`, import.meta.url), 'utf8').catch(
        () => undefined,
      )
      // Of another system.
      if (text === undefined && optional === true) return []
      return [{ path, license: (JSON.parse(text ?? '{}') as { license?: string }).license }]
    }),
  )

  const known = licences.flat()
  expect(known.length).toBeGreaterThan(50)
  expect(known.filter(({ license }) => !isPermissive(license))).toEqual([])
})

/** A choice of licences is permissive when one of them is. */
function isPermissive(license: string | undefined): boolean {
  if (license === undefined) return false
  return license
    .replace(/[()]/g, '')
    .split(' OR ')
    .some((one) => one.split(' AND ').every((part) => PERMISSIVE.has(part.trim())))
}
