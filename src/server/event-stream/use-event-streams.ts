import type { ExecutionResult } from 'graphql'
import type { Plugin } from 'graphql-yoga'
import type { Logger } from 'pino'
import type { Viewer } from '../../services/viewer.ts'
import type { Credentials } from '../auth/credentials.ts'
import { describeError, describeThrown } from '../describe-error.ts'
import type { HttpContext } from '../http/outcome.ts'
import type { EventStream, EventStreamOptions, EventStreams } from './event-stream.ts'

interface Options {
  eventStreams: EventStreams
  credentials: Pick<Credentials, 'watch'>
  log: Logger
}

/** Writes the events of subscriptions past Yoga, which has no further part in their answers. */
export function useEventStreams({ eventStreams, credentials, log }: Options): Plugin<object, HttpContext> {
  /** A function of its own, so that what waits with a stream holds nothing of its request. */
  function optionsFor(requestId: string, viewer: Viewer): EventStreamOptions {
    return {
      described: (result) =>
        result.errors
          ? { ...result, errors: result.errors.map((error) => describeError(error, requestId, log)) }
          : result,
      failed: (error) => ({ errors: describeThrown(error, requestId, log) }),
      endsWith: (onEnd) => credentials.watch(viewer, onEnd),
    }
  }

  function serve(stream: EventStream, results: AsyncIterable<ExecutionResult>, options: EventStreamOptions) {
    eventStreams
      .serve(stream, results, options)
      .catch((error: unknown) => log.error({ err: error }, 'a stream of events could not be served'))
    return new Promise<never>(() => undefined)
  }

  return {
    onResultProcess(answer) {
      const { exchange, outcome } = answer.serverContext
      if (!('results' in outcome) || !outcome.stream || !exchange.viewer) return
      const { results, stream } = outcome
      const options = optionsFor(exchange.id, exchange.viewer)
      answer.setResultProcessor(() => serve(stream, results, options), 'text/event-stream')
    },
  }
}
