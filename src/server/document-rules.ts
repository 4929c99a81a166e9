import {
  GraphQLError,
  Kind,
  OperationTypeNode,
  parse,
  SingleFieldSubscriptionsRule,
  specifiedRules,
  validate,
  type ASTVisitor,
  type DirectiveNode,
  type DocumentNode,
  type FragmentDefinitionNode,
  type GraphQLSchema,
  type OperationDefinitionNode,
  type SelectionSetNode,
  type ValidationContext,
  type ValidationRule,
} from 'graphql'
import type { DocumentLimits } from '../config.ts'
import type { Viewer } from '../services/viewer.ts'
import { quoted, shortened } from '../domain/echo.ts'
import { clientError, MAX_ERRORS } from '../graphql/errors.ts'
import { IncrementalLabels, IncrementalOperations, StreamedLists } from './incremental/rules.ts'
import { checkDocument, checkDocumentSize, isIntrospection, tooLarge } from './limits/document-limits.ts'

/**
 * The most tokens a document may have. Twice as many can nest so deeply that validating them overflows the stack;
 * GraphiQL's introspection query, the longest one in common use, has about 300.
 */
const MAX_TOKENS = 1_000

/** Who may ask for the schema: anyone where introspection is open, otherwise administrators. */
export function introspectionRule(isOpen: boolean): (viewer: Viewer) => boolean {
  return ({ role }) => isOpen || role === 'ADMIN'
}

interface Validation {
  rules: readonly ValidationRule[]
  /** Whether messages leave out names of the schema that the client may have meant: introspection would tell them. */
  hideSuggestions: boolean
  /** The problems of the documents that have been validated. */
  known: WeakMap<DocumentNode, readonly GraphQLError[]>
}

/** What keeps a document from being run, at most `MAX_ERRORS` errors and one that says that there are more. */
export function problemsOf(
  schema: GraphQLSchema,
  document: DocumentNode,
  mayIntrospect: boolean,
): readonly GraphQLError[] {
  const { rules, hideSuggestions, known } = mayIntrospect ? OPEN : CLOSED
  let problems = known.get(document)
  if (!problems) {
    problems = validate(schema, document, rules, { maxErrors: MAX_ERRORS, hideSuggestions })
    for (const { extensions } of problems) extensions.code ??= 'GRAPHQL_VALIDATION_FAILED'
    known.set(document, problems)
  }
  return problems
}

/** Parses a document that is within the limits. */
export function parseDocument(text: string, limits: DocumentLimits): DocumentNode {
  checkDocumentSize(text, limits)
  const document = parseTokens(text)
  checkDocument(document, limits)
  return document
}

function parseTokens(text: string): DocumentNode {
  try {
    return parse(text, { maxTokens: MAX_TOKENS })
  } catch (error) {
    if (!(error instanceof GraphQLError)) throw error
    if (error.message.includes(`more that ${MAX_TOKENS} tokens`)) {
      throw tooLarge(`has more than ${MAX_TOKENS} tokens`)
    }
    error.extensions.code ??= 'GRAPHQL_PARSE_FAILED'
    throw error
  }
}

function NoIntrospection(context: ValidationContext): ASTVisitor {
  return {
    Field(node) {
      if (!isIntrospection(node)) return undefined
      const message = `Introspection requires the role ADMIN: ${node.name.value} is not available.`
      context.reportError(clientError('INTROSPECTION_DISABLED', message))
      return false
    },
  }
}

/**
 * A subscription has one root field, whatever its variables: what `@skip` and `@include` would leave out cannot be known
 * before. The rule of graphql-js asks for the variables there, and fails without them. Source: GraphQL specification,
 * "Single Root Field".
 */
function UnconditionalSubscriptions(context: ValidationContext): ASTVisitor {
  const single = SingleFieldSubscriptionsRule(context) as {
    OperationDefinition: (node: OperationDefinitionNode) => void
  }

  function conditionIn(
    { selections }: SelectionSetNode,
    seen = new Set<string>(),
  ): DirectiveNode | undefined {
    for (const selection of selections) {
      const own = selection.directives?.find(({ name }) => name.value === 'skip' || name.value === 'include')
      if (own) return own
      const inner = selection.kind === Kind.FIELD ? undefined : bodyOf(selection, seen)
      const found = inner && conditionIn(inner, seen)
      if (found) return found
    }
    return undefined
  }

  function bodyOf(
    spread: Exclude<SelectionSetNode['selections'][number], { kind: Kind.FIELD }>,
    seen: Set<string>,
  ): SelectionSetNode | undefined {
    if (spread.kind === Kind.INLINE_FRAGMENT) return spread.selectionSet
    const name = spread.name.value
    if (seen.has(name)) return undefined
    seen.add(name)
    return (context.getFragment(name) as FragmentDefinitionNode | null | undefined)?.selectionSet
  }

  return {
    OperationDefinition(node) {
      const condition =
        node.operation === OperationTypeNode.SUBSCRIPTION ? conditionIn(node.selectionSet) : undefined
      if (!condition) {
        single.OperationDefinition(node)
        return
      }
      const message = `The root field of a subscription cannot have @${condition.name.value}. Always select it.`
      context.reportError(new GraphQLError(message, { nodes: condition }))
    },
  }
}

const RULES = [
  ...specifiedRules.filter((rule) => rule !== SingleFieldSubscriptionsRule),
  UnconditionalSubscriptions,
  IncrementalLabels,
  IncrementalOperations,
  StreamedLists,
]
const OPEN: Validation = { rules: RULES, hideSuggestions: false, known: new WeakMap() }
const CLOSED: Validation = { rules: [...RULES, NoIntrospection], hideSuggestions: true, known: new WeakMap() }

/** How many operations a message names. */
const NAMED = 5

const chosen = new WeakMap<DocumentNode, Map<string | null, OperationDefinitionNode>>()

/** The operation of a document that a request asks for. Throws where there is none, or more than one that could be meant. */
export function chosenOperation(
  document: DocumentNode,
  wanted: string | null | undefined,
): OperationDefinitionNode {
  let known = chosen.get(document)
  if (!known) {
    known = new Map()
    chosen.set(document, known)
  }
  let operation = known.get(wanted ?? null)
  if (!operation) known.set(wanted ?? null, (operation = choose(document, wanted)))
  return operation
}

function choose(document: DocumentNode, wanted: string | null | undefined): OperationDefinitionNode {
  const operations = document.definitions.filter(
    (definition) => definition.kind === Kind.OPERATION_DEFINITION,
  )
  const [first] = operations
  if (!first) {
    throw clientError('BAD_REQUEST', 'The document has no operation, only definitions of fragments or types.')
  }
  const names = operations.flatMap(({ name }) => (name ? [name.value] : []))
  const some = names.slice(0, NAMED).map((name) => shortened(name, 24))
  const more = names.length > NAMED ? ` and ${names.length - NAMED} more` : ''
  const there = names.length > 0 ? `It has ${some.join(', ')}${more}.` : 'It has none with a name.'
  if (wanted === undefined || wanted === null) {
    if (operations.length === 1) return first
    throw clientError(
      'BAD_REQUEST',
      `The document has ${operations.length} operations. Name the one to run in operationName. ${there}`,
    )
  }
  const named = operations.find(({ name }) => name?.value === wanted)
  if (!named) {
    throw clientError('BAD_REQUEST', `The document has no operation named ${quoted(wanted)}. ${there}`)
  }
  return named
}
