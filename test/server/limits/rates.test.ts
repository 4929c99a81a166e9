import { pino } from 'pino'
import { describe, expect, test } from 'vitest'
import { createRates, type Rates } from '../../../src/server/limits/rates.ts'
import { freePort, hasRedis, startRedis } from '../../support/redis.ts'

const LIMITS = {
  windowSeconds: 60,
  requests: 3,
  cost: 100,
  creates: 2,
  failedAuthentications: 2,
  newAccounts: 2,
}

/** A log that keeps its messages. */
function logbook() {
  const messages: string[] = []
  const log = pino(
    {},
    { write: (line: string) => void messages.push((JSON.parse(line) as { msg: string }).msg) },
  )
  return { log, messages }
}

const silent = pino({ level: 'silent' })
const LOST = 'Redis cannot be used: until it can, this process counts the rates by itself'
const BACK = 'Redis is back: the rates of all gateways are counted together again'

/** How much is left after taking so much, and whether it was given. */
async function taken(rates: Rates, budget: 'requests' | 'cost', amount: number, key = 'acc-1') {
  const { allowed, remaining } = await rates.take(budget, key, amount)
  return [allowed, remaining]
}

describe('in memory', () => {
  test('a budget is used up, and says how much is left and when it is full again', async () => {
    await using rates = await createRates(LIMITS, undefined, silent)

    const answers = [1, 2, 3, 4].map(() => rates.take('requests', 'acc-1'))

    const before = Date.now()
    expect(await Promise.all(answers)).toEqual(
      [2, 1, 0, 0].map((remaining, index) => ({
        allowed: index < 3,
        limit: 3,
        remaining,
        resetAt: expect.closeTo(before + 60_000, -4),
      })),
    )
  })

  test('what does not fit takes nothing: something smaller still fits', async () => {
    await using rates = await createRates(LIMITS, undefined, silent)

    expect(await taken(rates, 'cost', 60)).toEqual([true, 40])
    expect(await taken(rates, 'cost', 41)).toEqual([false, 40])
    expect(await taken(rates, 'cost', 40)).toEqual([true, 0])
  })

  test('each account has its own, and so has each kind', async () => {
    await using rates = await createRates(LIMITS, undefined, silent)
    for (let i = 0; i < 4; i++) await rates.take('requests', 'acc-1')

    expect(await taken(rates, 'requests', 1, 'acc-2')).toEqual([true, 2])
    expect(await taken(rates, 'cost', 1)).toEqual([true, 99])
  })

  test('it is full again after its window', async () => {
    await using rates = await createRates({ ...LIMITS, windowSeconds: 1 }, undefined, silent)
    expect(await taken(rates, 'requests', 3)).toEqual([true, 0])
    expect(await taken(rates, 'requests', 1)).toEqual([false, 0])

    await expect.poll(() => taken(rates, 'requests', 3)).toEqual([true, 0])
  })
})

describe.skipIf(!hasRedis)('in Redis (skipped where there is no redis-server)', () => {
  test('gateways count together', async () => {
    await using redis = await startRedis()
    await using one = await createRates(LIMITS, redis.url, silent)
    await using other = await createRates(LIMITS, redis.url, silent)

    expect(await taken(one, 'cost', 60)).toEqual([true, 40])
    expect(await taken(other, 'cost', 41)).toEqual([false, 40])
    expect(await taken(other, 'cost', 40)).toEqual([true, 0])
    expect(await taken(one, 'cost', 1)).toEqual([false, 0])
  })

  test('when it dies, each counts by itself and logs it once; when it is back, they count together again', async () => {
    await using redis = await startRedis()
    const { log, messages } = logbook()
    await using rates = await createRates(LIMITS, redis.url, log)
    expect(await taken(rates, 'cost', 90)).toEqual([true, 10])

    await redis.stop()
    expect(await taken(rates, 'cost', 70)).toEqual([true, 30])
    expect(await taken(rates, 'cost', 31)).toEqual([false, 30])
    expect(messages).toEqual([LOST])

    await redis.startAgain()
    await expect.poll(() => messages).toEqual([LOST, BACK])
    expect(await taken(rates, 'cost', 100)).toEqual([true, 0])
  })

  test('when it hangs, one request waits a second, and the others do not', async () => {
    await using redis = await startRedis()
    const { log, messages } = logbook()
    await using rates = await createRates(LIMITS, redis.url, log)
    redis.freeze()

    expect(await taken(rates, 'cost', 10)).toEqual([true, 90])
    const start = performance.now()
    for (let left = 89; left > 0; left--) expect(await taken(rates, 'cost', 1)).toEqual([true, left])
    expect(performance.now() - start).toBeLessThan(1_000)
    expect(messages).toEqual([LOST])

    redis.thaw()
    await expect.poll(() => messages).toEqual([LOST, BACK])
  })
})

test('a Redis that is not there when the gateway starts keeps nothing from working', async () => {
  const { log, messages } = logbook()
  await using rates = await createRates(LIMITS, `redis://127.0.0.1:${await freePort()}`, log)

  expect(await taken(rates, 'cost', 60)).toEqual([true, 40])
  expect(messages).toEqual([LOST])
})
