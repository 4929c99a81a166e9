import type { ExecutionResult } from 'graphql'
import { createYoga, type Plugin } from 'graphql-yoga'
import type { Logger } from 'pino'
import { maskError } from '../../graphql/errors.ts'
import type { Credentials } from '../auth/credentials.ts'
import type { EventStreams } from '../event-stream/event-stream.ts'
import { useEventStreams } from '../event-stream/use-event-streams.ts'
import { ENDPOINT } from './endpoint.ts'
import { useErrorContract } from './error-contract.ts'
import type { MediaTypes } from './media-types.ts'
import type { HttpContext, Outcome } from './outcome.ts'

export interface YogaOptions {
  eventStreams: EventStreams
  credentials: Pick<Credentials, 'watch'>
  mediaTypes: MediaTypes
  log: Logger
}

export type GraphqlServer = ReturnType<typeof createGraphqlServer>

/**
 * GraphQL over HTTP, by Yoga: which media type the client accepts, statuses and headers, for everything that the fast path
 * does not answer. The gate has decided before, and the operation has been executed: the plugins read its result.
 */
export function createGraphqlServer({ eventStreams, credentials, mediaTypes, log }: YogaOptions) {
  return createYoga<HttpContext>({
    graphqlEndpoint: ENDPOINT,
    // Yoga looks at the end of the whole address, and no address ends with this.
    healthCheckEndpoint: '#',
    graphiql: false,
    cors: false,
    // The body has been read, within its own limit.
    maxRequestBodySize: false,
    parserAndValidationCache: false,
    maskedErrors: { maskError },
    logging: {
      debug: () => undefined,
      info: (...entries: unknown[]) => log.info({ entries }, 'graphql'),
      warn: (...entries: unknown[]) => log.warn({ entries }, 'graphql'),
      // The error contract logs faults with the id of their request, which Yoga does not know here.
      error: () => undefined,
    },
    plugins: [
      useOutcome(mediaTypes),
      // Before the error contract, which finds a way to answer also where there is none for events.
      useEventStreams({ eventStreams, credentials, log }),
      useErrorContract(log),
    ],
  })
}

const VALID: [] = []

/** Takes each step of Yoga from what has been done already. */
function useOutcome(mediaTypes: MediaTypes): Plugin<HttpContext, HttpContext> {
  return {
    onRequestParse({ serverContext: { outcome }, setRequestParser }) {
      setRequestParser(() => admitted(outcome).operation.parameters as object)
    },

    onParse: ({ context, setParsedDocument }) =>
      setParsedDocument(admitted(context.outcome).operation.document),

    onValidate: ({ setResult }) => setResult(VALID),

    onExecute: ({ context, setResultAndStopExecution }) =>
      setResultAndStopExecution(resultOf(context.outcome) as ExecutionResult),

    onSubscribe: ({ context, setResultAndStopExecution }) =>
      setResultAndStopExecution(resultOf(context.outcome)),

    onResponse: ({ serverContext, response }) => mediaTypes.learn(serverContext.accept ?? null, response),
  }
}

function admitted(outcome: Outcome): Exclude<Outcome, { refusal: unknown }> {
  // Yoga catches it, and answers it as any other error.
  if ('refusal' in outcome) throw outcome.refusal
  return outcome
}

function resultOf(outcome: Outcome) {
  const reached = admitted(outcome)
  return 'results' in reached ? reached.results : reached.result
}
