import { randomUUID } from 'node:crypto'
import { execute, OperationTypeNode, subscribe, type ExecutionArgs, type ExecutionResult } from 'graphql'
import { isAsyncIterable, mapAsyncIterator } from 'graphql-yoga'
import type { Logger } from 'pino'
import type { StreamBuffer } from '../../config.ts'
import type { Executor, Selected } from '../../delivery/executor.ts'
import type { Groups } from '../../delivery/groups.ts'
import { LiveStream } from '../../delivery/live-stream.ts'
import type { Seat } from '../../delivery/member.ts'
import type { Outlet } from '../../delivery/outlet.ts'
import type { Traffic } from '../../delivery/traffic.ts'
import type { Context } from '../../graphql/context.ts'
import { answerTooLarge, masked, maskError } from '../../graphql/errors.ts'
import type { StreamEnd } from '../../observability/observer.ts'
import { describeError } from '../describe-error.ts'
import { LiveResults } from './live-results.ts'
import { storedProjectionOf } from './stored-projection.ts'
import { documentToExecute, selectionKey } from './selection.ts'

export interface LiveOptions {
  streamBuffer: StreamBuffer
  /** What all streams have sent. */
  traffic: Traffic
  log: Logger
}

export type Live = ReturnType<typeof createLive>

interface Opening {
  /** Called when it joins its group, and all that its own execution needed can be let go of. */
  onBegin: () => void
  /** Called when it is open; returns what is told of its end. */
  onOpen: () => StreamEnd
}

/** What a subscription is executed with. */
interface SubscriptionArgs extends ExecutionArgs {
  contextValue: Context
}

/**
 * Serves subscriptions in groups. Each is admitted and opened as any other operation; then a transition is executed once for
 * all who select the same, and the bytes go to everyone.
 */
export function createLive({ streamBuffer, traffic, log }: LiveOptions) {
  const streams = new Set<LiveStream>()

  /**
   * Opens a subscription. A group that serves it writes its events to the outlet, and the results are empty.
   */
  async function open(
    args: SubscriptionArgs,
    outlet: Outlet,
    { onBegin, onOpen }: Opening,
  ): Promise<ExecutionResult | LiveResults> {
    const stream = new LiveStream(outlet, streamBuffer.events, traffic)
    const join = (seat: Seat, groups: Groups) =>
      stream.prepare(() => groups.join(selectedBy(args), seat, stream))
    const result = await subscribe({ ...args, contextValue: { ...args.contextValue, join } })
    if (!isAsyncIterable(result)) return masked(result)
    const ended = onOpen()
    streams.add(stream)
    const onEnd: StreamEnd = (...end) => {
      streams.delete(stream)
      ended(...end)
    }
    return new LiveResults(mapAsyncIterator(result, masked), stream, { onBegin, onEnd })
  }

  function selectedBy(args: SubscriptionArgs): Selected {
    const { schema, document, operationName, variableValues, contextValue } = args
    const { gateway, viewer, reads } = contextValue
    const shape = { schema, document, operationName, variableValues }
    const key = `${viewer.accountId} ${viewer.role} ${selectionKey(args)}`
    return { key, executor: () => executorOf(shape, { gateway, viewer, reads }) }
  }

  function executorOf(shape: ExecutionArgs, scope: Pick<Context, 'gateway' | 'viewer' | 'reads'>): Executor {
    const requestId = randomUUID()
    const document = documentToExecute(shape.schema, shape.document)
    const contextValue: Context = { ...scope, requestId }
    const args = { ...shape, document, contextValue }
    const bytes = (result: ExecutionResult) => {
      const errors = result.errors?.map((error) => describeError(maskError(error), requestId, log))
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
        const result = execute({ ...args, rootValue: transition })
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

  return { open, streams }
}
