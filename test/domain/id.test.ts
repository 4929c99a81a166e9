import { randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import { ID_PREFIXES, idFrom, typeOfId, type IdType } from '../../src/domain/id.ts'

test.each(Object.keys(ID_PREFIXES) as IdType[])('the id of a %s tells what it names', (type) => {
  const id = idFrom(type, randomBytes(12))

  expect(id).toMatch(new RegExp(`^${ID_PREFIXES[type]}-[2-9a-hj-km-np-tv-z]{12}$`))
  expect(typeOfId(id)).toBe(type)
})

test.each(['v-WqZhVcfT', 's-0MeqJkzS'])('the cloud’s own id %s is an id here too', (id) => {
  expect(typeOfId(id)).toBeDefined()
})

test.each([
  '',
  'v',
  'v-',
  'v-short',
  'x-12345678',
  'v-1234 678',
  'V-12345678',
  `v-${'a'.repeat(33)}`,
  'RGlzazox',
  'v-12345678\n',
])('%j is not an id', (text) => {
  expect(typeOfId(text)).toBeUndefined()
})
