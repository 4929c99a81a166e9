import { expect, test } from 'vitest'
import { percent, ProgressBoard } from '../../src/transitions/progress.ts'

test.each([
  [{ copiedBytes: 0, totalBytes: 0 }, 100],
  [{ copiedBytes: 0, totalBytes: 3 }, 0],
  [{ copiedBytes: 2, totalBytes: 3 }, 66],
  [{ copiedBytes: 999_999, totalBytes: 1_000_000 }, 99],
  [{ copiedBytes: 3, totalBytes: 3 }, 100],
  [{ copiedBytes: 4, totalBytes: 3 }, 100],
])('%o is %i percent: rounded down, so that 100 means done', (progress, expected) => {
  expect(percent(progress)).toBe(expected)
})

test('the board shows the latest progress of a copy, tells those who watch it, and forgets it when it has ended', () => {
  const board = new ProgressBoard()
  const seen: unknown[] = []
  const stop = board.watch('s-1', () => seen.push(board.get('s-1')))
  const [half, whole] = [
    { copiedBytes: 1, totalBytes: 2 },
    { copiedBytes: 2, totalBytes: 2 },
  ]
  board.report('s-1', half)
  board.report('s-2', whole)
  board.report('s-1', whole)
  board.close('s-1')
  stop()
  board.report('s-1', half)
  expect(seen).toEqual([half, whole, undefined])
  expect(board.watchers).toBe(0)
})

test('who stops watching twice does not cut off those who watch since', () => {
  const board = new ProgressBoard()
  let told = 0
  const stopFirst = board.watch('s-1', () => undefined)
  stopFirst()
  board.watch('s-1', () => told++)
  stopFirst()
  board.report('s-1', { copiedBytes: 1, totalBytes: 2 })
  expect([told, board.watchers]).toEqual([1, 1])
})
