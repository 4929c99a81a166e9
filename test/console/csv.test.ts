import { expect, test } from 'vitest'
import { csvLine, type Cell } from '../../console/export/csv.ts'

test.each<[Cell[], string]>([
  [['plain', 5, null, ''], 'plain,5,,\r\n'],
  [['a,b', 'say "so"', 'two\nlines'], '"a,b","say ""so""","two\nlines"\r\n'],
  [[' edge', '磁盘'], '" edge",磁盘\r\n'],
])('%j is written as RFC 4180 says', (cells, line) => {
  expect(csvLine(cells)).toBe(line)
})

test.each(['=1+1', '+1', '-1', '@SUM(A1)', '\t=1', '\r=1', '  =1', '＝1', '=HYPERLINK("http://a","b")'])(
  '%j is not a formula in a spreadsheet',
  (text) => {
    const line = csvLine([text])
    expect(line.replace(/^"/, '').startsWith(`'${text.slice(0, 2)}`)).toBe(true)
  },
)

test('numbers stay numbers', () => {
  expect(csvLine([-5, 0.5])).toBe('-5,0.5\r\n')
})
