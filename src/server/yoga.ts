import { createYoga, type GraphQLParams, type PromiseOrValue } from 'graphql-yoga'
import type { ExecutionResult } from 'graphql'
import type { Logger } from 'pino'
import type { Context, Gateway } from '../graphql/context.ts'
import { maskError } from '../graphql/errors.ts'
import { schema } from '../graphql/schema.ts'
import type { DocumentLimits } from '../config.ts'
import type { Reads } from '../reads/reads.ts'
import type { Viewer } from '../services/viewer.ts'
import { viewerOf } from './auth/authentication.ts'
import { introspectionRule, useDocumentRules } from './document-rules.ts'
import { useErrorContract } from './error-contract.ts'
import { useExecution } from './execution.ts'
import type { FastPath } from './fast-path.ts'
import type { DocumentCache } from './limits/document-cache.ts'
import type { Admission, Limits } from './limits/limits.ts'
import type { Live } from './live/live.ts'
import { useRequestRules } from './request-rules.ts'

export const ENDPOINT = '/graphql'

/** What the transport knows of a request before GraphQL does. */
export interface RequestFacts {
  requestId: string
  /** The body, where its reading has begun before. */
  body?: Promise<Buffer>
  /** What the body says, where that has been parsed before. */
  params?: GraphQLParams
  /** Who asks, once that is known. */
  viewer?: Viewer
  /** What the limits decided of it. */
  admission?: Admission
  /** What came of its execution, where there has been one. */
  result?: PromiseOrValue<ExecutionResult>
}

export interface GraphqlOptions {
  gateway: Gateway
  /** The reads of one request, on behalf of a viewer; those that may not wait throw where a list takes a long scan. */
  reads: (viewer: Viewer, mayWait: boolean) => Reads
  maxBodyBytes: number
  documentLimits: DocumentLimits
  /** Keeps documents that have been parsed and found valid. */
  documents: DocumentCache
  /** Whether others than administrators may ask for the schema. */
  introspection: boolean
  log: Logger
}

export type GraphqlServer = ReturnType<typeof createGraphql>

/** GraphQL over both transports: parsing, validation, context, execution, masking and limits are the same for each. */
export function createGraphql(
  { gateway, reads, maxBodyBytes, documentLimits, documents, introspection, log }: GraphqlOptions,
  live: Live,
  limits: Limits,
  fastPath: FastPath,
) {
  const mayIntrospect = introspectionRule(introspection)
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
    // The document rules keep what came of a validation, by who may see what.
    parserAndValidationCache: { documentCache: documents, errorCache: NOTHING_KEPT, validationCache: false },
    maskedErrors: { maskError },
    logging: {
      debug: () => undefined,
      info: (...entries: unknown[]) => log.info({ entries }, 'graphql'),
      warn: (...entries: unknown[]) => log.warn({ entries }, 'graphql'),
      // The error contract logs faults with the id of their request, which Yoga does not know here.
      error: () => undefined,
    },
    context(facts) {
      const viewer = viewerOf(facts)
      return { gateway, requestId: facts.requestId, viewer, reads: reads(viewer, true) }
    },
    plugins: [
      useRequestRules({ maxBodyBytes, takeTurn: limits.takeTurnOverHttp }),
      useDocumentRules(documentLimits, mayIntrospect),
      useExecution(mayIntrospect),
      limits.plugin,
      useErrorContract(log),
      live.plugin,
      fastPath.plugin,
    ],
  })
}

/** Documents that cannot be parsed are different every time. */
const NOTHING_KEPT = { get: () => undefined, set: () => undefined }
