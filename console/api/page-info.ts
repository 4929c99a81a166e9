import { graphql } from './graphql.ts'

/** Where a page of a list is. */
export const PAGE_INFO = graphql(`
  fragment PageInfo on PageInfo {
    startCursor
    endCursor
    hasNextPage
    hasPreviousPage
  }
`)
