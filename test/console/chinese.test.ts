import { readFileSync } from 'node:fs'
import { buildSchema, isEnumType, isObjectType } from 'graphql'
import { expect, test } from 'vitest'
import type { Refusal } from '../../console/api/refusals.ts'
import { explain, explainLink, whyNotCancel, type Numbers } from '../../console/widgets/refusal.ts'
import { zh } from '../../console/words/zh.ts'
import { ERROR_CODES } from '../../src/graphql/errors.ts'

const schema = buildSchema(readFileSync(new URL('../../schema.graphql', import.meta.url), 'utf8'), {
  assumeValid: true,
})
const format = { number: String } as Numbers

/** In the words of the API, which must not show through. */
const ENGLISH = 'The server says no.'
/** A text in Chinese in which names, codes and units may stand, but no sentence in English. */
const CHINESE = /^(?=.*\p{Script=Han})(?!.*[a-z]{2,} [a-z]{2,} [a-z]{2,})/su

function valuesOf(name: string): string[] {
  const type = schema.getType(name)
  if (!isEnumType(type)) throw new Error(`There is no enum ${name}.`)
  return type.getValues().map((value) => value.name)
}

const refusals = schema
  .getPossibleTypes(schema.getType('UserError') as never)
  .filter(isObjectType)
  .map(({ name }) => name)

const FACTS = {
  ...{ kind: 'DATA', type: 'MANUAL', actual: 'IN_USE', allowed: ['UNMOUNTED', 'IN_USE'] },
  ...{ operation: 'ATTACH', snapshotOperation: 'DELETE', snapshotStatus: 'CREATING' },
  ...{ snapshotStatuses: ['COMPLETED'], used: 1, limit: 2, minGiB: 1, maxGiB: 2, policyId: 'asp-1' },
}

test('there are codes to walk', () => {
  expect(refusals.length).toBeGreaterThan(20)
  expect(valuesOf('ReasonCode').length).toBeGreaterThan(60)
})

test.each(refusals)('the refusal %s is Chinese in the Chinese console', (name) => {
  const bare = { __typename: name, message: ENGLISH, ...FACTS }
  expect(explain(bare as unknown as Refusal, zh, format)).toMatch(CHINESE)
  expect(explainLink(bare as never, { autoSnapshotPolicy: null }, zh)).toMatch(CHINESE)
})

test.each([
  ['DiskPathRefused', 'problem', 'DiskPathProblem'],
  ['OperationNotCancellable', 'obstacle', 'CancelObstacle'],
  ['InvalidName', 'brokenRules', 'NameRule'],
  ['ConnectionCredentialsRefused', 'credentialsProblem', 'ConnectionCredentialsProblem'],
])('each %s is Chinese by its %s', (name, fact, type) => {
  const texts = valuesOf(type).map((value) => {
    const refusal = { __typename: name, message: ENGLISH, [fact]: fact === 'brokenRules' ? [value] : value }
    return explain(refusal as unknown as Refusal, zh, format)
  })
  expect(texts.filter((text) => !CHINESE.test(text))).toEqual([])
  expect(new Set(texts).size).toBe(texts.length)
})

test('why an operation cannot be cancelled is Chinese, whatever the refusal', () => {
  for (const name of refusals) {
    const refusal = { __typename: name, message: ENGLISH, obstacle: 'TOO_LATE' }
    expect(whyNotCancel({ allowed: false, refusals: [refusal] } as never, zh)).toMatch(CHINESE)
  }
})

test.each(valuesOf('ReasonCode'))('the reason %s is Chinese in the Chinese console', (code) => {
  const said = zh.reason(ENGLISH, [{ code: code as 'OTHER', facts: ['3', '4', '5', '6'] }])
  expect(said).toMatch(CHINESE)
})

test.each(Object.keys(ERROR_CODES))('the error %s is Chinese in the Chinese console', (code) => {
  expect(zh.errorMessage(code, ENGLISH)).toMatch(CHINESE)
  expect(zh.errorMessage(code, ENGLISH)).not.toBe(zh.errorMessage(undefined, ENGLISH))
})
