import { graphql, type ResultOf } from './graphql.ts'

/** What is known of an API token, which is not the token itself. */
export const TOKEN = graphql(`
  fragment Token on ApiToken {
    id
    name
    role
    createdAt
    expiresAt
    lastUsedAt
    revokedAt
  }
`)

export type Token = ResultOf<typeof TOKEN>
