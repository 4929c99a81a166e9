import { CONNECTION } from '../api/connection.ts'
import { graphql, type VariablesOf } from '../api/graphql.ts'
import { CONNECTION_LIMIT_REFUSAL, CREDENTIALS_REFUSAL, NAME_REFUSAL } from '../api/refusals.ts'

export const CREATE_CONNECTION = graphql(
  `
    mutation CreateConnection($input: CreateConnectionInput!) {
      createConnection(input: $input) {
        __typename
        ... on CreateConnectionPayload {
          connection {
            ...Connection
          }
        }
        ...NameRefusal
        ...CredentialsRefusal
        ...ConnectionLimitRefusal
        ... on EndpointNotAllowed {
          message
        }
      }
    }
  `,
  [CONNECTION, NAME_REFUSAL, CREDENTIALS_REFUSAL, CONNECTION_LIMIT_REFUSAL],
)

export type CredentialsInput = VariablesOf<typeof CREATE_CONNECTION>['input']['credentials']
