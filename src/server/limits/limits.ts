import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { OperationTypeNode, type GraphQLError } from 'graphql'
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

/**
 * The total length of the messages of an account whose operations wait for their turn, in characters. Parsed, a message takes up
 * to twenty times as many bytes.
 */
const WAITING_LENGTH = 8 * 1024 * 1024

/** What an account may ask for, and an address guess: the budgets, and the places for what is open. */
export class Limits {
  readonly #options: LimitsOptions
  /** The places for the WebSockets of an account. */
  readonly sockets: Places
  readonly #streams: Places
  /** What one event costs of all that an account has open. */
  readonly #eventsCost: number
  readonly #events: Places
  readonly #waiting = new Places(WAITING_LENGTH)

  constructor(options: LimitsOptions) {
    const { maxCost, streamsPerAccount } = options
    this.#options = options
    this.sockets = new Places(streamsPerAccount)
    this.#streams = new Places(streamsPerAccount)
    this.#eventsCost = Math.max(maxCost, streamsPerAccount * STREAM_COST)
    this.#events = new Places(this.#eventsCost)
  }

  async #take(standings: Standings, budget: Budget, key: string, amount: number) {
    const { allowed, ...standing } = await this.#options.rates.take(budget, key, amount)
    standings[budget] = standing
    if (allowed) return standing
    const resetAt = new Date(standing.resetAt).toISOString()
    throw clientError(
      'RATE_LIMITED',
      `Rate limit of ${standing.limit} ${BUDGETS[budget]} per ${this.#options.windowSeconds} s reached: ${amount} needed, ${standing.remaining} left. Retry after ${resetAt}.`,
      { budget, resetAt },
    )
  }

  /** What refuses one operation more on a connection. */
  tooManyOperations(): GraphQLError {
    return clientError(
      'TOO_MANY_OPERATIONS',
      `Limit of ${this.#options.operations} concurrent operations per connection reached.`,
    )
  }

  /** Takes the place of a message whose operation waits for its turn; returns what gives it back. */
  enterWaiting(accountId: string, length: number): () => void {
    const leave = this.#waiting.enter(accountId, Math.min(length, WAITING_LENGTH))
    if (leave) return leave
    throw clientError(
      'TOO_MANY_OPERATIONS',
      `Limit of ${WAITING_LENGTH} characters in waiting operations per account reached.`,
    )
  }

  /** Counts a request. */
  async count({ standings }: Exchange, { accountId }: Viewer): Promise<void> {
    await this.#take(standings, 'requests', accountId, 1)
  }

  /** Counts a credential that may have been guessed against the address it came from. */
  async takeFailure(from: Socket): Promise<void> {
    await this.#take({}, 'failedAuthentications', addressOf(from), 1)
  }

  /** Counts an account that is to be made because a JWT names it, against the address it came from. */
  async takeNewAccount(from: Socket): Promise<void> {
    await this.#take({}, 'newAccounts', addressOf(from), 1)
  }

  /** Counts what an operation costs and creates, and takes the place of a stream. */
  async charge(exchange: Exchange, { accountId }: Viewer, operation: Operation): Promise<void> {
    const { maxCost } = this.#options
    const { document, node, parameters } = operation
    const { points, creates } = costOf(schema, document, parameters.operationName, parameters.variables)
    if (points > maxCost) {
      throw clientError(
        'COST_LIMIT_EXCEEDED',
        `The operation costs ${points} points; the limit is ${maxCost}. Request smaller pages, or split it into several operations.`,
        { cost: { requested: points, limit: maxCost } },
      )
    }
    const { standings } = exchange
    exchange.cost = { requested: points, standing: await this.#take(standings, 'cost', accountId, points) }
    if (creates > 0) await this.#take(standings, 'creates', accountId, creates)
    if (node.operation === OperationTypeNode.SUBSCRIPTION)
      exchange.leaveStream = this.#enterStream(accountId, points)
  }

  /** Takes the place of a stream, and of what its events cost; returns what gives both back. */
  #enterStream(accountId: string, points: number): () => void {
    const leave = this.#streams.enter(accountId)
    if (!leave) {
      throw clientError(
        'TOO_MANY_CONNECTIONS',
        `Limit of ${this.#options.streamsPerAccount} open streams per account reached. Close one first.`,
      )
    }
    const leaveEvents = this.#events.enter(accountId, points)
    if (!leaveEvents) {
      leave()
      throw clientError(
        'COST_LIMIT_EXCEEDED',
        `The open streams of the account would cost more than ${this.#eventsCost} points per event. Select fewer fields, or close a stream.`,
        { cost: { requested: points, limit: this.#eventsCost } },
      )
    }
    return () => {
      leave()
      leaveEvents()
    }
  }

  /** The state of the budgets as headers: RateLimit fields (draft-ietf-httpapi-ratelimit-headers), and the cost. */
  tell(response: ServerResponse, { standings, cost }: Exchange): void {
    if (!standings.requests || response.headersSent) return
    const now = Date.now()
    let policy = ''
    let state = ''
    for (const [budget, { limit, remaining, resetAt }] of Object.entries(standings)) {
      const separator = policy && ', '
      policy += `${separator}"${budget}";q=${limit};w=${this.#options.windowSeconds}`
      state += `${separator}"${budget}";r=${remaining};t=${Math.max(0, Math.ceil((resetAt - now) / 1000))}`
    }
    response.setHeader('ratelimit-policy', policy)
    response.setHeader('ratelimit', state)
    if (cost) response.setHeader('x-query-cost', String(cost.requested))
  }
}

/** What an answer says of the cost of its operation. */
export function extensionsOf({ cost, staleSince }: Exchange): Record<string, unknown> {
  if (!cost) return {}
  const { limit, remaining, resetAt } = cost.standing
  return {
    cost: { requested: cost.requested, limit, remaining, resetAt: new Date(resetAt).toISOString() },
    ...(staleSince && { staleSince: staleSince.toISOString() }),
  }
}

const BUDGETS: Record<Budget, string> = {
  requests: 'requests',
  cost: 'points',
  creates: 'creates',
  failedAuthentications: 'failed authentications',
  newAccounts: 'new accounts',
}
