import { randomUUID } from 'node:crypto'
import type { ServerResponse } from 'node:http'
import { execute, type ExecutionArgs, type ExecutionResult } from 'graphql'
import { isAsyncIterable, type Plugin } from 'graphql-yoga'
import type { Logger } from 'pino'
import type { StreamBuffer } from '../../config.ts'
import type { Context } from '../../graphql/context.ts'
import { maskError } from '../../graphql/errors.ts'
import type { Groups, Selected, Seat } from '../../transitions/groups.ts'
import type { AnyTransition } from '../../transitions/log.ts'
import { describeError } from '../error-contract.ts'
import { createEventStreams } from './event-stream.ts'
import { LiveResults, LiveStream } from './live-stream.ts'
import { eventStreamOutlet, type Outlet } from './outlet.ts'
import { documentToExecute, selectionKey } from './selection.ts'

/** What the transports add to the context. */
interface TransportContext extends Context {
  /** Over HTTP. */
  res?: ServerResponse
  /** Over WebSocket. */
  outlet?: Outlet
  /** The subscription, once it runs. */
  live?: LiveStream
}

type Subscribe = (args: ExecutionArgs) => Promise<ExecutionResult | AsyncIterable<ExecutionResult>>

/** Executes the selection of a subscription on one transition; the result is a promise only where a resolver waits. */
type ExecuteOne = (args: ExecutionArgs) => ExecutionResult | Promise<ExecutionResult>

export interface LiveOptions {
  streamBuffer: StreamBuffer
  log: Logger
}

export type Live = ReturnType<typeof createLive>

/**
 * Serves subscriptions in groups. Each runs as usual until it has caught up; from then on a transition is executed
 * once for all who select the same, through the same envelope as any other operation, and the bytes go to everyone.
 */
export function createLive({ streamBuffer, log }: LiveOptions) {
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
      const { res, live, requestId } = serverContext as unknown as TransportContext
      if (!res || !resultProcessor || !isAsyncIterable(result)) return
      const failed = (error: unknown) => ({ errors: [describeError(maskError(error), requestId, log)] })
      answer.setResultProcessor((results) => {
        const own = results as AsyncIterable<ExecutionResult>
        eventStreams
          .write(live ? new LiveResults(own, live, () => undefined) : own, res, failed)
          .catch((error: unknown) => res.destroy(error instanceof Error ? error : undefined))
        // The answer is written here; Yoga has no further part in it.
        return new Promise(() => undefined)
      }, 'text/event-stream')
    },
  }

  async function subscribeLive(args: ExecutionArgs, subscribe: Subscribe) {
    const context = args.contextValue as TransportContext
    const outlet = context.outlet ?? (context.res && eventStreamOutlet(context.res, streamBuffer))
    if (!outlet) return subscribe(args)
    const stream = new LiveStream(outlet, streamBuffer.events)
    const join = (seat: Seat, groups: Groups) =>
      stream.joined(seat.seen, groups.join(selectedBy(args, context), seat, stream))
    const result = await subscribe({ ...args, contextValue: { ...context, join } })
    if (isAsyncIterable(result)) context.live = stream
    return result
  }

  function selectedBy(args: ExecutionArgs, { gateway, viewer, reads }: Context): Selected {
    return {
      key: `${viewer.accountId} ${selectionKey(args)}`,
      executor() {
        const requestId = randomUUID()
        const { schema, operationName, variableValues } = args
        const document = documentToExecute(schema, args.document)
        const contextValue: Context = { gateway, viewer, reads, requestId }
        shared.add(contextValue)
        const run = executeOne(requestId)
        const bytes = (result: ExecutionResult) => {
          const errors = result.errors?.map((error) => describeError(error, requestId, log))
          return Buffer.from(JSON.stringify(errors ? { ...result, errors } : result))
        }
        return (transition: AnyTransition) => {
          const result = run({
            schema,
            document,
            operationName,
            variableValues,
            contextValue,
            rootValue: transition,
          })
          return result instanceof Promise ? result.then(bytes) : bytes(result)
        }
      },
    }
  }

  return { plugin, eventStreams }
}
