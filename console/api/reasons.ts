import { graphql, type EnumOf } from './graphql.ts'

/** A sentence of a reason, as the console says it in its own words. */
export const REASON = graphql(`
  fragment Reason on Reason {
    code
    facts
  }
`)

export interface Reason {
  code: EnumOf<'ReasonCode'>
  facts: readonly string[]
}
