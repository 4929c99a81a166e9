import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import {
  OperationTypeNode,
  getOperationAST,
  type DocumentNode,
  type ExecutionArgs,
  type GraphQLSchema,
} from 'graphql'
import { isAsyncIterable, type GraphQLParams, type Plugin } from 'graphql-yoga'
import { answerTooLarge, clientError } from '../../graphql/errors.ts'
import { isLargerThan } from '../answer-size.ts'
import { viewerOf } from '../auth/authentication.ts'
import { whenOver } from '../handover.ts'
import type { RequestFacts } from '../yoga.ts'
import { addressOf } from './connections.ts'
import { costOf } from './cost.ts'
import type { FairQueue, Turn } from './fair-queue.ts'
import { Places } from './places.ts'
import type { Budget, Rates, Standing } from './rates.ts'
import type { TrustedDocuments } from './trusted-documents.ts'

export interface LimitsOptions {
  schema: GraphQLSchema
  /** What one operation may cost, in points. */
  maxCost: number
  /** What an answer may have, in bytes. */
  maxAnswerBytes: number
  windowSeconds: number
  /** How many streams an account may have open, and a connection operations in progress. */
  streamsPerAccount: number
  operations: number
  rates: Rates
  queue: FairQueue
  trusted: TrustedDocuments
}

/** What has been decided of a request. */
export interface Admission {
  turn: Turn
  /** Whether the request has been counted. */
  isCounted?: boolean
  document?: DocumentNode
  /** Whether what it costs and creates has been counted. */
  isCharged?: boolean
  /** What the operation costs, and how the budget of points stands after it. */
  cost?: { requested: number; standing: Standing }
  /** Of a subscription over WebSocket: gives back its place among the streams of its account. */
  leaveStream?: () => void
  /** How budgets stand, as far as they were asked. */
  standings: Partial<Record<Budget, Standing>>
}

/** What the transports add to the context of an operation. */
interface TransportContext extends RequestFacts {
  /** Over HTTP. */
  res?: ServerResponse
  params: GraphQLParams
}

/**
 * What an event may cost, in points, for each stream that an account may have: more for some, if less for others. So one
 * transition cannot be made to take seconds, and hundreds of megabytes.
 */
const STREAM_COST = 40

export type Limits = ReturnType<typeof createLimits>

/**
 * What an account may ask for, the same on every transport. A request waits for its turn and is counted before its
 * document is looked at; its cost and what it creates are counted before it is executed.
 */
export function createLimits({
  schema,
  maxCost,
  maxAnswerBytes,
  windowSeconds,
  streamsPerAccount,
  operations,
  rates,
  queue,
  trusted,
}: LimitsOptions) {
  const sockets = new Places(streamsPerAccount)
  const streams = new Places(streamsPerAccount)
  /** What one event costs of all that an account has open. */
  const eventsCost = Math.max(maxCost, streamsPerAccount * STREAM_COST)
  const events = new Places(eventsCost)

  async function take(
    { standings }: Pick<Admission, 'standings'>,
    budget: Budget,
    key: string,
    amount: number,
  ) {
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

  /** Waits for the turn of an operation that has arrived. */
  async function takeTurn(facts: RequestFacts, connection: object): Promise<void> {
    const turn = await queue.enter(viewerOf(facts).accountId, connection)
    facts.admission = { turn, standings: {} }
  }

  /** The same over HTTP, where the response says when it has been answered. */
  async function takeTurnOverHttp(context: RequestFacts & { res: ServerResponse }): Promise<void> {
    const { res } = context
    // Not the socket of the response, which has none while it is behind another one.
    await takeTurn(context, res.req.socket)
    const { turn } = context.admission as Admission
    if (res.destroyed) end(turn)
    else res.once('close', () => end(turn))
  }

  /** Counts the request, once; the parameters it returns have the document that is to be run. */
  async function admit(facts: RequestFacts, params: GraphQLParams): Promise<GraphQLParams> {
    const { admission } = facts
    if (admission && !admission.isCounted) {
      await take(admission, 'requests', viewerOf(facts).accountId, 1)
      admission.isCounted = true
    }
    return trusted.resolve(params)
  }

  /** Counts a credential that may have been guessed against the address it came from. */
  async function takeFailure(from: Socket): Promise<void> {
    await take({ standings: {} }, 'failedAuthentications', addressOf(from), 1)
  }

  /** Counts an account that is to be made because a JWT names it, against the address it came from. */
  async function takeNewAccount(from: Socket): Promise<void> {
    await take({ standings: {} }, 'newAccounts', addressOf(from), 1)
  }

  /** Counts what the operation costs and creates, once. */
  async function charge(
    facts: RequestFacts,
    document: DocumentNode,
    { operationName, variables }: GraphQLParams,
  ): Promise<void> {
    const { admission } = facts
    if (!admission || admission.isCharged) return
    const { accountId } = viewerOf(facts)
    const { points, creates } = costOf(schema, document, operationName, variables)
    if (points > maxCost) {
      throw clientError(
        'COST_LIMIT_EXCEEDED',
        `The operation costs ${points} points; at most ${maxCost} are allowed. Ask for smaller pages, or in several operations.`,
        { cost: { requested: points, limit: maxCost } },
      )
    }
    admission.cost ??= { requested: points, standing: await take(admission, 'cost', accountId, points) }
    if (creates > 0) await take(admission, 'creates', accountId, creates)
    admission.isCharged = true
  }

  function takeStream(context: TransportContext, document: DocumentNode): void {
    const { res, params, admission } = context
    if (getOperationAST(document, params.operationName)?.operation !== OperationTypeNode.SUBSCRIPTION) return
    const { accountId } = viewerOf(context)
    const leave = streams.enter(accountId)
    if (!leave) {
      throw clientError(
        'TOO_MANY_CONNECTIONS',
        `The account has ${streamsPerAccount} streams open; there may be no more at once.`,
      )
    }
    const { requested = 0 } = admission?.cost ?? {}
    const leaveEvents = events.enter(accountId, requested)
    if (!leaveEvents) {
      leave()
      throw clientError(
        'COST_LIMIT_EXCEEDED',
        `For each event, all streams of the account may cost ${eventsCost} points together. Select less in each, or close some of them.`,
        { cost: { requested, limit: eventsCost } },
      )
    }
    const leaveBoth = () => {
      leave()
      leaveEvents()
    }
    if (res) whenOver(res, leaveBoth)
    else if (admission) admission.leaveStream = leaveBoth
  }

  /** The state of the budgets as headers: RateLimit fields (draft-ietf-httpapi-ratelimit-headers), and the cost. */
  function tell(response: ServerResponse, { standings, cost }: Admission): void {
    if (response.headersSent) return
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

  const plugin: Plugin<object, TransportContext> = {
    /** Over HTTP; over WebSocket its own adapter asks. */
    async onParams({ params, setParams, context }) {
      const facts = context
      if (!facts.res) return
      try {
        setParams(await admit(facts, params))
      } finally {
        if (facts.admission) tell(facts.res, facts.admission)
      }
    },

    onParse:
      () =>
      ({ result, context }) => {
        const { admission } = context as unknown as RequestFacts
        if (admission && !(result instanceof Error)) admission.document = result as DocumentNode
      },

    async onContextBuilding({ context }) {
      const asked = context as unknown as TransportContext
      const { admission, res } = asked
      if (!admission?.document) return
      try {
        await charge(asked, admission.document, asked.params)
      } finally {
        if (res) tell(res, admission)
      }
      takeStream(asked, admission.document)
    },

    onExecute: ({ args }) => {
      const { admission } = args.contextValue as unknown as RequestFacts
      const { document, operationName } = args as ExecutionArgs
      const { operation } = getOperationAST(document, operationName) ?? {}
      if (!admission?.cost || !operation) return undefined
      const extensions = extensionsOf(admission)
      return {
        onExecuteDone({ result, setResult }) {
          if (isAsyncIterable(result)) return
          const answer = isLargerThan(result.data, maxAnswerBytes)
            ? { data: null, errors: [answerTooLarge(maxAnswerBytes, operation)] }
            : result
          setResult({ ...answer, extensions: { ...result.extensions, ...extensions } })
        },
      }
    },

    onResultProcess({ serverContext, result }) {
      const turn = (serverContext as unknown as RequestFacts).admission?.turn
      turn?.executed()
      if (isAsyncIterable(result)) turn?.answered()
    },
  }

  return {
    plugin,
    takeTurn,
    takeTurnOverHttp,
    takeFailure,
    takeNewAccount,
    admit,
    charge,
    tell,
    sockets,
    tooManyOperations,
  }
}

/** The operation is over, in whatever way. */
export function end(turn: Turn): void {
  turn.executed()
  turn.answered()
}

/** What an answer says of the cost of its operation. */
export function extensionsOf({ cost }: Admission): Record<string, unknown> {
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
