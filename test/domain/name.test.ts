import { expect, test } from 'vitest'
import { brokenNameRules } from '../../src/domain/name.ts'

test.each([
  ['a', []],
  ['Z', []],
  ['a'.repeat(65), []],
  ['before upgrade/2.0_b-1', []],
  ['a快照', []],
  // U+20BB7 is one character, though two code units.
  [`a${'𠮷'.repeat(64)}`, []],
  [`a${'𠮷'.repeat(65)}`, ['TOO_LONG']],
  ['', ['EMPTY']],
  ['a'.repeat(66), ['TOO_LONG']],
  ['1st', ['FIRST_CHARACTER']],
  ['快照', ['FIRST_CHARACTER']],
  [' a', ['FIRST_CHARACTER']],
  ['-a', ['FIRST_CHARACTER']],
  ['a,b', ['CHARACTERS']],
  ['a\u0000', ['CHARACTERS']],
  ['a\n', ['CHARACTERS']],
  ['a\u202eb', ['CHARACTERS']],
  ['aé', ['CHARACTERS']],
  ['é', ['FIRST_CHARACTER', 'CHARACTERS']],
  ['a\ud800', ['CHARACTERS']],
  [`!${'a'.repeat(65)}`, ['TOO_LONG', 'FIRST_CHARACTER', 'CHARACTERS']],
])('the name %j breaks the rules %j', (name, rules) => {
  expect(brokenNameRules(name)).toEqual(rules)
})
