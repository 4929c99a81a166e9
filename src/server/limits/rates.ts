import {
  RateLimiterMemory,
  RateLimiterRedis,
  RateLimiterRes,
  type RateLimiterAbstract,
} from 'rate-limiter-flexible'
import type { Redis } from 'ioredis'
import type { Logger } from 'pino'
import type { RateLimits } from '../../config.ts'

/** What an account has budgets of; of the last two, an address has. */
export type Budget = 'requests' | 'cost' | 'creates' | 'failedAuthentications' | 'newAccounts'

/** How a budget stands. */
export interface Standing {
  limit: number
  remaining: number
  /** When it is full again, in milliseconds since 1970. */
  resetAt: number
}

/** How long Redis may take to answer, in milliseconds. */
const REDIS_TIMEOUT_MS = 1_000

export interface Rates extends AsyncDisposable {
  /** Takes so much from a budget, or nothing when there is not enough left. */
  take(budget: Budget, key: string, amount?: number): Promise<Standing & { allowed: boolean }>
}

/**
 * Budgets that are full again when a window of time has passed since the first use. They are counted in the memory of
 * the process, or in Redis for all gateways together; while Redis cannot be reached, in memory, with an error in the log:
 * a gateway never stops serving for want of it.
 */
export async function createRates(
  limits: RateLimits,
  redisUrl: string | undefined,
  log: Logger,
): Promise<Rates> {
  const redis = redisUrl === undefined ? undefined : await connect(redisUrl, log)
  const options = (budget: Budget) => ({
    keyPrefix: `snapgate:rate:${budget}`,
    points: limits[budget],
    duration: limits.windowSeconds,
  })
  const budget = (name: Budget) => ({
    memory: new RateLimiterMemory(options(name)),
    shared: redis && {
      limiter: new RateLimiterRedis({
        ...options(name),
        storeClient: redis.client,
        rejectIfRedisNotReady: true,
      }),
      failed: redis.failed,
    },
  })
  const budgets: Record<Budget, ReturnType<typeof budget>> = {
    requests: budget('requests'),
    cost: budget('cost'),
    creates: budget('creates'),
    failedAuthentications: budget('failedAuthentications'),
    newAccounts: budget('newAccounts'),
  }

  async function takeFrom(limiter: RateLimiterAbstract, key: string, amount: number) {
    try {
      return { allowed: true, state: await limiter.consume(key, amount) }
    } catch (state) {
      if (!(state instanceof RateLimiterRes)) throw state
      // It counts what it refuses; something smaller may still fit.
      await limiter.reward(key, amount)
      return { allowed: false, state }
    }
  }

  return {
    async take(name, key, amount = 1) {
      const { memory, shared } = budgets[name]
      const taken = await (shared
        ? takeFrom(shared.limiter, key, amount).catch((error: unknown) => {
            shared.failed(error)
            return takeFrom(memory, key, amount)
          })
        : takeFrom(memory, key, amount))
      const { consumedPoints, msBeforeNext } = taken.state
      return {
        allowed: taken.allowed,
        limit: limits[name],
        remaining: Math.max(0, limits[name] - consumedPoints + (taken.allowed ? 0 : amount)),
        resetAt: Date.now() + Math.max(0, msBeforeNext),
      }
    },
    async [Symbol.asyncDispose]() {
      redis?.client.disconnect()
    },
  }
}

/** A client that is never waited for: without a connection, a command fails at once. */
async function connect(
  url: string,
  log: Logger,
): Promise<{ client: Redis; failed: (error: unknown) => void }> {
  const { Redis } = await import('ioredis')
  const client = new Redis(url, {
    connectTimeout: REDIS_TIMEOUT_MS,
    commandTimeout: REDIS_TIMEOUT_MS,
    maxRetriesPerRequest: 0,
    enableOfflineQueue: false,
    retryStrategy: (attempts) => Math.min(attempts * 100, 2_000),
    lazyConnect: true,
  })
  let isLost = false
  function failed(error: unknown): void {
    // One that does not answer is not asked again before it has answered the questions of a new connection.
    if (error instanceof Error && error.message === 'Command timed out') client.disconnect(true)
    if (isLost) return
    isLost = true
    log.error({ err: error }, 'Redis cannot be used: until it can, this process counts the rates by itself')
  }
  client.on('error', failed)
  client.on('ready', () => {
    if (isLost) log.info('Redis is back: the rates of all gateways are counted together again')
    isLost = false
  })
  await client.connect().catch(failed)
  return { client, failed }
}
