import { expect, test } from 'vitest'
import { wakeable } from '../../src/transitions/wakeable.ts'

const noError = (error: unknown) => {
  throw error
}

test('a wake-up is never lost, however close to the end of a run it comes', async () => {
  for (let turns = 0; turns < 20; turns++) {
    let runs = 0
    const work = wakeable(async () => {
      runs++
    }, noError)
    work.wake()
    for (let i = 0; i < turns; i++) await Promise.resolve()
    const before = runs
    work.wake()
    while (work.running) await work.running
    expect({ turns, ranAgain: runs > before }).toEqual({ turns, ranAgain: true })
  }
})

test('one run goes on at a time, and wake-ups during it are followed by one more', async () => {
  const log: string[] = []
  const gate = Promise.withResolvers<undefined>()
  const work = wakeable(async () => {
    log.push('begins')
    await gate.promise
    log.push('ends')
  }, noError)
  for (let i = 0; i < 5; i++) work.wake()
  await Promise.resolve()
  work.wake()
  work.wake()
  gate.resolve(undefined)
  await work.running
  expect(log).toEqual(['begins', 'ends', 'begins', 'ends'])
  expect(work.running).toBeUndefined()
})

test('an error ends its own run only', async () => {
  const errors: unknown[] = []
  let runs = 0
  const work = wakeable(
    async () => {
      if (++runs === 1) throw new Error('the first')
    },
    (error) => errors.push(error),
  )
  work.wake()
  await work.running
  work.wake()
  await work.running
  expect([runs, errors]).toEqual([2, [new Error('the first')]])
})
