import { expect, test } from 'vitest'
import { CALL_PURPOSES, CallBudget, type CallPurpose } from '../../../src/providers/cloud/call-budget.ts'
import { chance } from '../../support/random.ts'

function start(options: { perSecond?: number; burst?: number; random?: () => number } = {}) {
  let now = 0
  const budget = new CallBudget({ now: () => now, random: () => 0, ...options })
  return {
    budget,
    now: () => now,
    advance: (ms: number) => void (now += ms),
    /** How many calls it allows now. */
    drain: (purpose: CallPurpose = 'WRITE'): number => {
      let calls = 0
      while (budget.take(purpose) === 0) calls++
      return calls
    },
  }
}

test('a burst is allowed at once, and then the rate per second', () => {
  const { drain, advance } = start({ perSecond: 5, burst: 10 })
  expect(drain()).toBe(10)
  advance(1_000)
  expect(drain()).toBe(5)
  advance(3_600_000)
  expect(drain()).toBe(10)
})

test('who waits as long as it is told may call', () => {
  const { budget, drain, advance } = start({ perSecond: 3 })
  drain()
  const ms = budget.take('WRITE')
  expect(ms).toBeGreaterThan(0)
  advance(ms)
  expect(budget.take('WRITE')).toBe(0)
})

test('the inventory leaves calls to what is pending, and that to writes', () => {
  const { drain } = start({ burst: 10 })
  expect(CALL_PURPOSES.toReversed().map((purpose) => drain(purpose))).toEqual([6, 2, 2])
})

test('throttling halves the rate and empties the burst, and a tenth comes back a minute', () => {
  const { budget, drain, advance } = start({ perSecond: 8 })
  budget.throttled()
  expect([budget.rate, drain()]).toEqual([4, 0])
  budget.throttled()
  expect(budget.rate).toBe(2)
  advance(60_000)
  expect(budget.rate).toBeCloseTo(2.8)
  advance(6.5 * 60_000)
  expect(budget.rate).toBe(8)
  for (let times = 0; times < 100; times++) budget.throttled()
  expect(budget.rate).toBe(8 / 32)
})

test('a cloud is left alone for as long as it asks and up to a quarter longer, ten minutes at most', () => {
  for (const [chance, asked, ms] of [
    [0, 7_000, 7_000],
    [1, 7_000, 8_750],
    [0, 86_400_000, 600_000],
  ] as const) {
    const { budget, advance } = start({ random: () => chance })
    budget.throttled(asked)
    expect(budget.take('WRITE')).toBe(ms)
    // A second answer that asks for less takes nothing back.
    budget.throttled(1)
    advance(ms - 1)
    expect(budget.take('WRITE')).toBe(1)
    advance(1)
    expect(budget.take('WRITE')).toBe(0)
  }
})

test('over any time, calls stay within burst and rate, whatever is asked and throttled', () => {
  for (let seed = 1; seed <= 200; seed++) {
    const dice = chance(seed)
    const { budget, now, advance } = start({ perSecond: 4, burst: 8, random: () => dice.below(100) / 100 })
    const calls: number[] = []
    let quietUntil = 0
    for (let step = 0; step < 300; step++) {
      if (budget.take(dice.pick(CALL_PURPOSES)) === 0) {
        expect(now()).toBeGreaterThanOrEqual(quietUntil)
        calls.push(now())
      }
      if (dice.happens(0.05)) {
        const asked = dice.pick([0, 1_000, 5_000])
        budget.throttled(asked)
        quietUntil = Math.max(quietUntil, now() + asked)
      }
      advance(dice.below(400))
    }
    for (const [from, at] of calls.entries())
      for (const seconds of [1, 10])
        expect(calls.slice(from).filter((other) => other <= at + seconds * 1_000).length).toBeLessThanOrEqual(
          8 + 4 * seconds,
        )
  }
})
