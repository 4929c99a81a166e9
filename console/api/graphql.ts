import { initGraphQLTada } from 'gql.tada'
import type { introspection } from './schema-types.d.ts'

/** Types documents by schema.graphql; scalars arrive as JSON has them. */
export const graphql = initGraphQLTada<{
  introspection: introspection
  scalars: { DateTime: string; SafeInt: number }
  disableMasking: true
}>()

export type { ResultOf, VariablesOf } from 'gql.tada'
