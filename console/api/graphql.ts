import { initGraphQLTada } from 'gql.tada'
import type { introspection } from '@snapgate/client/introspection'

export const ENDPOINT = '/graphql'

/** Types documents by schema.graphql; scalars arrive as JSON has them. */
export const graphql = initGraphQLTada<{
  introspection: introspection
  scalars: { DateTime: string; SafeInt: number }
  disableMasking: true
}>()

export type { ResultOf, VariablesOf } from 'gql.tada'

/** What a mutation answers when it was accepted. */
export type PayloadOf<Data> = Extract<Data[keyof Data], { __typename: `${string}Payload` }>

/** The values of an enum of the schema. */
export type EnumOf<Name extends Parameters<typeof graphql.scalar>[0]> = ReturnType<
  typeof graphql.scalar<Name>
>
