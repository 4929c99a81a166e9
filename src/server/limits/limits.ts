import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { OperationTypeNode } from 'graphql'
import { clientError } from '../../graphql/errors.ts'
import { schema } from '../../graphql/schema.ts'
import type { Viewer } from '../../services/viewer.ts'
import type { Exchange, Operation, Standings } from '../exchange.ts'
import { addressOf } from './address.ts'
import { costOf } from './cost.ts'
import { Places } from './places.ts'
import type { Budget, Rates } from './rates.ts'

export interface LimitsOptions {
  /** What one operation may cost, in points. */
  maxCost: number
  windowSeconds: number
  /** How many streams an account may have open, and a connection operations in progress. */
  streamsPerAccount: number
  operations: number
  rates: Rates
}

/**
 * What an event may cost, in points, for each stream that an account may have: more for some, if less for others. So one
 * transition cannot be made to take seconds, and hundreds of megabytes.
 */
const STREAM_COST = 40

export type Limits = ReturnType<typeof createLimits>

/** What an account may ask for, and an address guess: the budgets, and the places for what is open. */
export function createLimits({
  maxCost,
  windowSeconds,
  streamsPerAccount,
  operations,
  rates,
}: LimitsOptions) {
  const sockets = new Places(streamsPerAccount)
  const streams = new Places(streamsPerAccount)
  /** What one event costs of all that an account has open. */
  const eventsCost = Math.max(maxCost, streamsPerAccount * STREAM_COST)
  const events = new Places(eventsCost)

  async function take(standings: Standings, budget: Budget, key: string, amount: number) {
    const { allowed, ...standing } = await rates.take(budget, key, amount)
    standings[budget] = standing
    if (allowed) return standing
    const resetAt = new Date(standing.resetAt).toISOString()
    throw clientError(
      'RATE_LIMITED',
      `The budget of ${standing.limit} ${BUDGETS[budget]} in ${windowSeconds} s has ${standing.remaining} left, and this takes ${amount}. It is full again at ${resetAt}.`,
      { budget, resetAt },
    )
  }

  function tooManyOperations() {
    return clientError(
      'TOO_MANY_OPERATIONS',
      `The connection has ${operations} operations in progress, which is the limit.`,
    )
  }

  /** Counts a request. */
  async function count({ standings }: Exchange, { accountId }: Viewer): Promise<void> {
    await take(standings, 'requests', accountId, 1)
  }

  /** Counts a credential that may have been guessed against the address it came from. */
  async function takeFailure(from: Socket): Promise<void> {
    await take({}, 'failedAuthentications', addressOf(from), 1)
  }

  /** Counts an account that is to be made because a JWT names it, against the address it came from. */
  async function takeNewAccount(from: Socket): Promise<void> {
    await take({}, 'newAccounts', addressOf(from), 1)
  }

  /** Counts what an operation costs and creates, and takes the place of a stream. */
  async function charge(exchange: Exchange, { accountId }: Viewer, operation: Operation): Promise<void> {
    const { document, node, parameters } = operation
    const { points, creates } = costOf(schema, document, parameters.operationName, parameters.variables)
    if (points > maxCost) {
      throw clientError(
        'COST_LIMIT_EXCEEDED',
        `The operation costs ${points} points; at most ${maxCost} are allowed. Ask for smaller pages, or in several operations.`,
        { cost: { requested: points, limit: maxCost } },
      )
    }
    const { standings } = exchange
    exchange.cost = { requested: points, standing: await take(standings, 'cost', accountId, points) }
    if (creates > 0) await take(standings, 'creates', accountId, creates)
    if (node.operation === OperationTypeNode.SUBSCRIPTION)
      exchange.leaveStream = enterStream(accountId, points)
  }

  /** Takes the place of a stream, and of what its events cost; returns what gives both back. */
  function enterStream(accountId: string, points: number): () => void {
    const leave = streams.enter(accountId)
    if (!leave) {
      throw clientError(
        'TOO_MANY_CONNECTIONS',
        `The account has ${streamsPerAccount} streams open; there may be no more at once.`,
      )
    }
    const leaveEvents = events.enter(accountId, points)
    if (!leaveEvents) {
      leave()
      throw clientError(
        'COST_LIMIT_EXCEEDED',
        `For each event, all streams of the account may cost ${eventsCost} points together. Select less in each, or close some of them.`,
        { cost: { requested: points, limit: eventsCost } },
      )
    }
    return () => {
      leave()
      leaveEvents()
    }
  }

  /** The state of the budgets as headers: RateLimit fields (draft-ietf-httpapi-ratelimit-headers), and the cost. */
  function tell(response: ServerResponse, { standings, cost }: Exchange): void {
    if (!standings.requests || response.headersSent) return
    const now = Date.now()
    let policy = ''
    let state = ''
    for (const [budget, { limit, remaining, resetAt }] of Object.entries(standings)) {
      const separator = policy && ', '
      policy += `${separator}"${budget}";q=${limit};w=${windowSeconds}`
      state += `${separator}"${budget}";r=${remaining};t=${Math.max(0, Math.ceil((resetAt - now) / 1000))}`
    }
    response.setHeader('ratelimit-policy', policy)
    response.setHeader('ratelimit', state)
    if (cost) response.setHeader('x-query-cost', String(cost.requested))
  }

  return { takeFailure, takeNewAccount, count, charge, tell, sockets, tooManyOperations }
}

/** What an answer says of the cost of its operation. */
export function extensionsOf({ cost }: Exchange): Record<string, unknown> {
  if (!cost) return {}
  const { limit, remaining, resetAt } = cost.standing
  return { cost: { requested: cost.requested, limit, remaining, resetAt: new Date(resetAt).toISOString() } }
}

const BUDGETS: Record<Budget, string> = {
  requests: 'requests',
  cost: 'points',
  creates: 'creates',
  failedAuthentications: 'failed authentications',
  newAccounts: 'new accounts',
}
