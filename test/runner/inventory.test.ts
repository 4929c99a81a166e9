import { pino } from 'pino'
import { expect, test } from 'vitest'
import { startInventory } from '../../src/runner/inventory.ts'

const BATCHES = 400
const LOOK_MS = 50

/** Disks in many batches, each of which takes 50 ms to look at, and a clock that only looks and waits move on. */
async function observed({
  batches,
  intervalMs,
  untilMs,
}: Record<'batches' | 'intervalMs' | 'untilMs', number>) {
  let now = 0
  let busyMs = 0
  const passes: number[] = []
  const recent: number[] = []
  const { promise: ended, resolve: end } = Promise.withResolvers()
  const work = (): void => {
    now += LOOK_MS
    busyMs += LOOK_MS
  }
  const inventory = startInventory({
    looks: {
      lookAtLately: async () => {
        recent.push(now)
        work()
        return new Map()
      },
      lookAtNext: async (after) => {
        if (after === '') passes.push(now)
        work()
        const next = Number(after) + 1
        return { next: next < batches ? String(next) : undefined, faults: new Map() }
      },
    },
    intervalMs,
    log: pino({ level: 'silent' }),
    clock: {
      now: () => now,
      async wait(ms, signal) {
        signal.throwIfAborted()
        now += ms
        if (now < untilMs) return
        end(undefined)
        await new Promise((_resolve, reject) =>
          signal.addEventListener('abort', () => reject(new Error('stopped'))),
        )
      },
    },
  })
  await ended
  await inventory[Symbol.asyncDispose]()
  return { passes, recent, share: busyMs / now }
}

/** The longest time from one moment to the next. */
const longest = (moments: number[]) =>
  Math.max(...moments.slice(1).map((at, index) => at - (moments[index] ?? 0)))

test('few disks are looked at every interval', async () => {
  const { passes } = await observed({ batches: 2, intervalMs: 2_000, untilMs: 60_000 })
  expect(longest(passes)).toBeLessThanOrEqual(2_000)
})

test('however many disks there are, looking at them takes a tenth of the time, and those of late are looked at about every interval', async () => {
  const { passes, recent, share } = await observed({
    batches: BATCHES,
    intervalMs: 2_000,
    untilMs: 1_000_000,
  })
  expect(share).toBeLessThanOrEqual(0.101)
  expect(passes.length).toBeGreaterThan(2)
  expect(longest(recent)).toBeLessThanOrEqual(2_000 + 3 * 10 * LOOK_MS)
})
