import { expect, test } from 'vitest'
import { shownColumns, USUAL_VIEW, viewIn } from '../../console/widgets/table-view.ts'

test.each([
  [null, USUAL_VIEW],
  ['', USUAL_VIEW],
  ['null', USUAL_VIEW],
  ['{"density":"huge","columns":[1]}', USUAL_VIEW],
  ['{"columns":{"KIND":"yes","SIZE":false}}', { density: 'compact', columns: { SIZE: false } }],
  ['{"density":"comfortable","columns":{"KIND":true}}', { density: 'comfortable', columns: { KIND: true } }],
])('%s is remembered as %j', (text, view) => {
  expect(viewIn(text)).toEqual(view)
})

test('a chosen column is shown in any window, and others where there is room', () => {
  const columns = [
    { key: 'NAME', needed: true as const },
    { key: 'STATUS' },
    { key: 'SIZE', from: ['md' as const] },
    { key: 'KIND', from: ['xl' as const] },
  ]
  const shown = (chosen: Record<string, boolean>) =>
    shownColumns(columns, { ...USUAL_VIEW, columns: chosen }, (width) => width === 'md').map(({ key }) => key)
  expect(shown({})).toEqual(['NAME', 'STATUS', 'SIZE'])
  expect(shown({ KIND: true, SIZE: false })).toEqual(['NAME', 'STATUS', 'KIND'])
  expect(shown({ NAME: false, STATUS: false, GONE: true })).toEqual(['NAME', 'SIZE'])
})
