import { GraphQLError, Kind, parse, type DocumentNode, type ParseOptions, type Source } from 'graphql'
import type { Plugin } from 'graphql-yoga'
import { clientError } from '../graphql/errors.ts'

/**
 * The most tokens a document may have. Twice as many can nest so deeply that validating them overflows the stack;
 * GraphiQL's introspection query, the longest one in common use, has about 300.
 */
const MAX_TOKENS = 1_000

/** What holds for a document on every transport: its size, and that it says which operation to run. */
export function useDocumentRules(): Plugin {
  return {
    onParse({ setParseFn }) {
      setParseFn((source: string | Source, options?: ParseOptions) =>
        parse(source, { ...options, maxTokens: MAX_TOKENS }),
      )
      return ({ result, context }) => {
        if (result instanceof GraphQLError) result.extensions.code = 'GRAPHQL_PARSE_FAILED'
        else if (!(result instanceof Error)) checkChoice(result as DocumentNode, context.params.operationName)
      }
    },
  }
}

function checkChoice(document: DocumentNode, wanted: string | null | undefined): void {
  const operations = document.definitions.filter(
    (definition) => definition.kind === Kind.OPERATION_DEFINITION,
  )
  const names = operations.flatMap(({ name }) => (name ? [name.value] : []))
  const there = names.length > 0 ? `It has ${names.join(', ')}.` : 'It has none with a name.'
  if (operations.length === 0) {
    throw clientError('BAD_REQUEST', 'The document has no operation, only definitions of fragments or types.')
  }
  if (wanted === undefined || wanted === null) {
    if (operations.length === 1) return
    throw clientError(
      'BAD_REQUEST',
      `The document has ${operations.length} operations. Name the one to run in operationName. ${there}`,
    )
  }
  if (!names.includes(wanted)) {
    throw clientError(
      'BAD_REQUEST',
      `The document has no operation named ${JSON.stringify(wanted)}. ${there}`,
    )
  }
}
