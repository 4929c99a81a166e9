import { createYoga } from 'graphql-yoga'
import type { Logger } from 'pino'
import type { Context, Gateway } from '../graphql/context.ts'
import { maskError } from '../graphql/errors.ts'
import { schema } from '../graphql/schema.ts'
import type { Reads } from '../reads/reads.ts'
import type { Viewer } from '../services/viewer.ts'
import { unauthenticated, useAuthentication } from './auth/authentication.ts'
import type { Credentials } from './auth/credentials.ts'
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
  /** Who may come in, and until when. */
  credentials: Credentials
  /** The reads of one request, on behalf of a viewer. */
  reads: (viewer: Viewer) => Reads
  maxBodyBytes: number
  log: Logger
}

export type GraphqlServer = ReturnType<typeof createGraphql>

/** GraphQL over both transports: parsing, validation, context, execution, masking and limits are the same for each. */
export function createGraphql(
  { gateway, credentials, reads, maxBodyBytes, log }: GraphqlOptions,
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
      // An operation on a socket whose credential has ceased to hold while it is being closed.
      if (!viewer) throw unauthenticated('The credential no longer holds. Connect again with another one.')
      return { gateway, requestId, viewer, reads: reads(viewer) }
    },
    plugins: [
      useAuthentication(credentials.authenticate),
      useRequestRules({ maxBodyBytes }),
      useDocumentRules(),
      useErrorContract(log),
      live.plugin,
    ],
  })
}
