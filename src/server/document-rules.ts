import {
  GraphQLError,
  Kind,
  parse,
  validate,
  type ASTVisitor,
  type DocumentNode,
  type GraphQLSchema,
  type ParseOptions,
  type Source,
  type ValidationContext,
  type ValidationRule,
} from 'graphql'
import type { Plugin } from 'graphql-yoga'
import type { DocumentLimits } from '../config.ts'
import type { Context } from '../graphql/context.ts'
import { clientError } from '../graphql/errors.ts'
import { checkDocument, checkDocumentSize, tooLarge } from './limits/document-limits.ts'

/**
 * The most tokens a document may have. Twice as many can nest so deeply that validating them overflows the stack;
 * GraphiQL's introspection query, the longest one in common use, has about 300.
 */
const MAX_TOKENS = 1_000

type Viewer = Context['viewer']

/** What holds for a document on every transport: its limits, and that it says which operation to run. */
export function useDocumentRules(
  limits: DocumentLimits,
  mayIntrospect: (viewer: Viewer) => boolean,
): Plugin<object, { viewer: Viewer }> {
  return {
    onParse({ setParseFn }) {
      setParseFn((source: string | Source, options?: ParseOptions) => parseDocument(source, limits, options))
      return ({ result, context }) => {
        if (result instanceof GraphQLError) result.extensions.code ??= 'GRAPHQL_PARSE_FAILED'
        else if (!(result instanceof Error)) checkChoice(result as DocumentNode, context.params.operationName)
      }
    },

    onValidate({ context, addValidationRule, setValidationFn }) {
      if (mayIntrospect((context as unknown as { viewer: Viewer }).viewer)) return
      addValidationRule(NoIntrospection)
      setValidationFn((schema: GraphQLSchema, document: DocumentNode, rules: ValidationRule[]) =>
        validate(schema, document, rules, { hideSuggestions: true }),
      )
    },
  }
}

/** Parses a document that is within the limits. */
export function parseDocument(
  source: string | Source,
  limits: DocumentLimits,
  options?: ParseOptions,
): DocumentNode {
  checkDocumentSize(typeof source === 'string' ? source : source.body, limits)
  const document = parseTokens(source, options)
  checkDocument(document, limits)
  return document
}

function parseTokens(source: string | Source, options?: ParseOptions): DocumentNode {
  try {
    return parse(source, { ...options, maxTokens: MAX_TOKENS })
  } catch (error) {
    if (error instanceof GraphQLError && error.message.includes(`more that ${MAX_TOKENS} tokens`)) {
      throw tooLarge(`has more than ${MAX_TOKENS} tokens`)
    }
    throw error
  }
}

function NoIntrospection(context: ValidationContext): ASTVisitor {
  return {
    Field(node) {
      // The only ways in.
      if (node.name.value !== '__schema' && node.name.value !== '__type') return undefined
      const message = `Introspection is for administrators here: ${node.name.value} cannot be asked for.`
      context.reportError(clientError('INTROSPECTION_DISABLED', message))
      return false
    },
  }
}

/** Names of the schema that the client did not give are part of what introspection would tell. */
export function withoutSuggestion(error: GraphQLError): GraphQLError {
  const message = error.message.replace(/ Did you mean [^?]*\?$/, '')
  if (message === error.message) return error
  const { nodes, source, positions, path, originalError, extensions } = error
  return new GraphQLError(message, { nodes, source, positions, path, originalError, extensions })
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
