import { createYoga } from 'graphql-yoga'
import type { Logger } from 'pino'
import type { Database } from '../database/database.ts'
import type { Context, Gateway } from '../graphql/context.ts'
import { maskError } from '../graphql/errors.ts'
import { schema } from '../graphql/schema.ts'
import { useDocumentRules } from './document-rules.ts'
import { useErrorContract } from './error-contract.ts'
import type { FastPath } from './fast-path.ts'
import type { Live } from './live/live.ts'
import { useRequestRules } from './request-rules.ts'

export const ENDPOINT = '/graphql'

/** What the transport knows of a request before GraphQL does. */
export interface RequestFacts {
  requestId: string
  /** The body, where it has been read already. */
  body?: Buffer | undefined
}

export interface GraphqlOptions {
  gateway: Gateway
  /** Who asks; the reads are made for them. */
  authenticate: () => Pick<Context, 'viewer' | 'reads'>
  maxBodyBytes: number
  database: Pick<Database, 'reader'>
  /** What answers that are kept may take together, in bytes; 0 keeps none. */
  answerCacheBytes: number
  log: Logger
}

export type GraphqlServer = ReturnType<typeof createGraphql>

/** GraphQL over both transports: parsing, validation, context, execution, masking and limits are the same for each. */
export function createGraphql(
  { gateway, authenticate, maxBodyBytes, log }: GraphqlOptions,
  live: Live,
  fastPath: FastPath,
) {
  return createYoga<RequestFacts, Context>({
    schema,
    graphqlEndpoint: ENDPOINT,
    healthCheckEndpoint: '/healthz',
    graphiql: false,
    landingPage: false,
    cors: false,
    multipart: false,
    batching: false,
    // The request rules limit it for less.
    maxRequestBodySize: false,
    maskedErrors: { maskError },
    logging: {
      debug: () => undefined,
      info: (...entries: unknown[]) => log.info({ entries }, 'graphql'),
      warn: (...entries: unknown[]) => log.warn({ entries }, 'graphql'),
      // The error contract logs faults with the id of their request, which Yoga does not know here.
      error: () => undefined,
    },
    context: ({ requestId }) => ({ gateway, requestId, ...authenticate() }),
    plugins: [
      useRequestRules({ maxBodyBytes }),
      useDocumentRules(),
      useErrorContract(log),
      live.plugin,
      fastPath.plugin,
    ],
  })
}
