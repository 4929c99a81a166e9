import { expect, test } from 'vitest'
import { Rounds } from '../../src/delivery/rounds.ts'

/** Keeps the event loop for so long, in milliseconds. */
function work(ms: number): void {
  const end = performance.now() + ms
  while (performance.now() < end);
}

test('work goes on at once while there is time, and then the accounts take turns, a round of the loop for each piece', async () => {
  const rounds = new Rounds()
  const done: string[] = []
  let looped = 0
  let isOver = false
  const loop = () => {
    looped++
    if (!isOver) setImmediate(loop)
  }
  setImmediate(loop)

  expect(rounds.wait('greedy')).toBeUndefined()
  work(6)
  const pieces = ['greedy', 'greedy', 'greedy', 'modest'].map(async (account) => {
    await rounds.wait(account)
    done.push(account)
    work(6)
  })
  expect(done).toEqual([])
  await Promise.all(pieces)
  isOver = true

  expect(done).toEqual(['greedy', 'modest', 'greedy', 'greedy'])
  expect(looped).toBeGreaterThanOrEqual(3)
})
