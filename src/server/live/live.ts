import { randomUUID } from 'node:crypto'
import type { ServerResponse } from 'node:http'
import { execute, OperationTypeNode, type ExecutionArgs, type ExecutionResult } from 'graphql'
import { isAsyncIterable, type Plugin } from 'graphql-yoga'
import type { Logger } from 'pino'
import type { StreamBuffer } from '../../config.ts'
import type { Context } from '../../graphql/context.ts'
import { answerTooLarge, maskError } from '../../graphql/errors.ts'
import type { Executor, Selected } from '../../delivery/executor.ts'
import type { Groups } from '../../delivery/groups.ts'
import { LiveStream } from '../../delivery/live-stream.ts'
import type { Seat } from '../../delivery/member.ts'
import type { Outlet } from '../../delivery/outlet.ts'
import type { Credentials } from '../auth/credentials.ts'
import { describeError } from '../error-contract.ts'
import { createEventStreams, EventStream } from './event-stream.ts'
import { LiveResults } from './live-results.ts'
import { storedProjectionOf } from './projection.ts'
import { documentToExecute, selectionKey } from './selection.ts'

/** What the transports add to the context. */
interface TransportContext extends Context {
  /** Over HTTP. */
  res?: ServerResponse
  /** Over WebSocket. */
  outlet?: Outlet
  /** The subscription, once it runs. */
  live?: LiveStream
  /** Its answer, over HTTP. */
  events?: EventStream
}

type Subscribe = (args: ExecutionArgs) => Promise<ExecutionResult | AsyncIterable<ExecutionResult>>

/** Executes the selection of a subscription on one transition; the result is a promise only where a resolver waits. */
type ExecuteOne = (args: ExecutionArgs) => ExecutionResult | Promise<ExecutionResult>

export interface LiveOptions {
  credentials: Credentials
  streamBuffer: StreamBuffer
  log: Logger
}

export type Live = ReturnType<typeof createLive>

/**
 * Serves subscriptions in groups. Each is parsed, validated and opened as any other operation; then a transition is
 * executed once for all who select the same, through the same envelope, and the bytes go to everyone.
 */
export function createLive({ credentials, streamBuffer, log }: LiveOptions) {
  const eventStreams = createEventStreams()
  const shared = new WeakSet<object>()
  let executeOne: (requestId: string) => ExecuteOne

  const plugin: Plugin = {
    onYogaInit({ yoga }) {
      executeOne = (requestId) => yoga.getEnveloped({ requestId } as never).execute as ExecuteOne
    },

    // What the engine would do with a subscription is subscribe once more.
    onExecute({ args, setExecuteFn }) {
      if (shared.has(args.contextValue)) setExecuteFn(execute)
    },

    onSubscribe({ subscribeFn, setSubscribeFn }) {
      const subscribe: Subscribe = async (args) => subscribeFn(args) as ReturnType<Subscribe>
      setSubscribeFn((args) => subscribeLive(args, subscribe))
    },

    onResultProcess(answer) {
      const { result, resultProcessor, serverContext } = answer
      const { res, live, events, requestId, viewer } = serverContext as unknown as TransportContext
      if (!res || !resultProcessor || !isAsyncIterable(result)) return
      const stream = events ?? new EventStream(res, streamBuffer)
      const failed = failureOf(requestId)
      answer.setResultProcessor((results) => {
        const own = results as AsyncIterable<ExecutionResult>
        eventStreams
          .serve(stream, live ? new LiveResults(own, live, () => undefined) : own, {
            failed,
            endsWith: (onEnd) => credentials.watch(viewer, onEnd),
          })
          .catch((error: unknown) => log.error({ err: error }, 'a stream of events could not be served'))
        // The answer is written here; Yoga has no further part in it.
        return new Promise(() => undefined)
      }, 'text/event-stream')
    },
  }

  /** A function of its own, so that what waits with a stream holds nothing of its request. */
  function failureOf(requestId: string) {
    return (error: unknown) => ({ errors: [describeError(maskError(error), requestId, log)] })
  }

  async function subscribeLive(args: ExecutionArgs, subscribe: Subscribe) {
    const context = args.contextValue as TransportContext
    const events = context.res && new EventStream(context.res, streamBuffer)
    const outlet = context.outlet ?? events
    if (!outlet) return subscribe(args)
    const stream = new LiveStream(outlet, streamBuffer.events)
    const join = (seat: Seat, groups: Groups) =>
      stream.prepare(() => groups.join(selectedBy(args, context), seat, stream))
    const result = await subscribe({ ...args, contextValue: { ...context, join } })
    if (isAsyncIterable(result)) Object.assign(context, { live: stream, events })
    return result
  }

  function selectedBy(args: ExecutionArgs, { gateway, viewer, reads }: Context): Selected {
    const { schema, document, operationName, variableValues } = args
    const shape = { schema, document, operationName, variableValues }
    const key = `${viewer.accountId} ${viewer.role} ${selectionKey(args)}`
    return { key, executor: () => executorOf(shape, { gateway, viewer, reads }) }
  }

  function executorOf(shape: ExecutionArgs, scope: Pick<Context, 'gateway' | 'viewer' | 'reads'>): Executor {
    const requestId = randomUUID()
    const document = documentToExecute(shape.schema, shape.document)
    const contextValue: Context = { ...scope, requestId }
    const args = { ...shape, document, contextValue }
    shared.add(contextValue)
    const run = executeOne(requestId)
    const bytes = (result: ExecutionResult) => {
      const errors = result.errors?.map((error) => describeError(error, requestId, log))
      return bounded(Buffer.from(JSON.stringify(errors ? { ...result, errors } : result)))
    }
    /** An event that would not fit into the buffer of a stream is told of by an error. */
    const bounded = (event: Buffer) => {
      if (event.length <= streamBuffer.bytes) return event
      const error = answerTooLarge(streamBuffer.bytes, OperationTypeNode.SUBSCRIPTION)
      return Buffer.from(JSON.stringify({ data: null, errors: [describeError(error, requestId, log)] }))
    }
    const project = storedProjectionOf(args)
    return {
      execute(transition) {
        const result = run({ ...args, rootValue: transition })
        return result instanceof Promise ? result.then(bytes) : bytes(result)
      },
      project:
        project &&
        ((transition) => {
          const event = project(transition)
          return event && bounded(event)
        }),
    }
  }

  return { plugin, eventStreams }
}
