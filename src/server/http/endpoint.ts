/** Where GraphQL is served, over each transport. */
export const ENDPOINT = '/graphql'
