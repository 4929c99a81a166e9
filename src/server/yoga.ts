import { createYoga } from 'graphql-yoga'
import type { Logger } from 'pino'
import type { Context, Gateway } from '../graphql/context.ts'
import { maskError } from '../graphql/errors.ts'
import { schema } from '../graphql/schema.ts'
import type { Reads } from '../reads/reads.ts'
import type { Viewer } from '../services/viewer.ts'
import { unauthenticated, useAuthentication, type Authenticate } from './auth/authentication.ts'
import { useDocumentRules } from './document-rules.ts'
import { useErrorContract } from './error-contract.ts'
import type { Live } from './live/live.ts'
import { useRequestRules } from './request-rules.ts'

export const ENDPOINT = '/graphql'

/** What the transport knows of a request before GraphQL does. */
export interface RequestFacts {
  requestId: string
  /** Who asks, once that is known. */
  viewer?: Viewer
}

export interface GraphqlOptions {
  gateway: Gateway
  authenticate: Authenticate
  /** The reads of one request, on behalf of a viewer. */
  reads: (viewer: Viewer) => Reads
  maxBodyBytes: number
  log: Logger
}

export type GraphqlServer = ReturnType<typeof createGraphql>

/** GraphQL over both transports: parsing, validation, context, execution, masking and limits are the same for each. */
export function createGraphql(
  { gateway, authenticate, reads, maxBodyBytes, log }: GraphqlOptions,
  live: Live,
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
    context({ requestId, viewer }) {
      if (!viewer) throw unauthenticated()
      return { gateway, requestId, viewer, reads: reads(viewer) }
    },
    plugins: [
      useAuthentication(authenticate),
      useRequestRules({ maxBodyBytes }),
      useDocumentRules(),
      useErrorContract(log),
      live.plugin,
    ],
  })
}
