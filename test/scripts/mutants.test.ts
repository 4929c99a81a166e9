import { describe, expect, test } from 'vitest'
import { broken, mutantsOf } from '../../scripts/mutants/changes.ts'
import { describe as named } from '../../scripts/mutants/explained.ts'
import { counted } from '../../scripts/mutants/reach.ts'

/** Each line that a mutant of the text has instead of the one before. */
const linesOf = (text: string) =>
  mutantsOf('file.ts', text).map((mutant) => named(mutant, text).split('\n+ ')[1])

describe('mutantsOf breaks', () => {
  test('comparisons, conditions and numbers', () => {
    expect(linesOf('if (used < limit && !full) count(1)')).toEqual([
      'if (true) count(1)',
      'if (false) count(1)',
      'if (used <= limit && !full) count(1)',
      'if (used < limit || !full) count(1)',
      'if (used < limit && full) count(1)',
      'if (used < limit && !full) ;',
      'if (used < limit && !full) count((1 + 1))',
    ])
  })

  test('statements that only have an effect', () => {
    expect(linesOf("await handle.sync()\nthrow new Error('no')")).toEqual([';', ';'])
  })

  test('words of SQL, inside and between its parameters', () => {
    expect(linesOf('get(sql`SELECT 1 WHERE a = ${a} AND NOT b`)')).toEqual([
      ';',
      'get(sql`SELECT 1 WHERE a <> ${a} AND NOT b`)',
      'get(sql`SELECT 1 WHERE a = ${a} OR NOT b`)',
      'get(sql`SELECT 1 WHERE a = ${a} AND b`)',
    ])
  })

  test('no types, imports, messages or log entries', () => {
    const text =
      "import { a } from 'a'\ntype B = true\nlet c: 1 | 2\nlog.warn({ d: 1 }, 'e')\nconst f = 'g' + a"
    expect(linesOf(text)).toEqual([])
  })
})

test('a broken text differs in the mutant alone', () => {
  const text = 'const a = b === c\n'
  const [mutant] = mutantsOf('file.ts', text)
  expect(mutant && broken(text, mutant)).toBe('const a = b !== c\n')
})

test('counters stand where each mutant says that its code runs', () => {
  const text = [
    'export function a(b: number) {',
    '  if (b < 1) return 2',
    '  else throw new Error()',
    '}',
    'const c = [3].map((d) => d + 4)',
    'for (const e of c) a(e)',
  ].join('\n')
  const withCounters = counted('file.ts', text, './counter.ts')
  const probes = [...withCounters.matchAll(/__reached\("file\.ts", (\d+)\)/g)].map(([, probe]) =>
    Number(probe),
  )
  expect(probes).toEqual(expect.arrayContaining(mutantsOf('file.ts', text).map(({ probe }) => probe)))
  expect(withCounters).toContain('if (b < 1) {__reached("file.ts", 44);return 2}')
  expect(withCounters).toContain('(d) => (__reached("file.ts", 105), d + 4)')
})
