import {
  Kind,
  OperationTypeNode,
  print,
  ProvidedRequiredArgumentsRule,
  validate,
  visit,
  type DocumentNode,
  type ExecutionArgs,
  type GraphQLSchema,
  type SelectionNode,
  type SelectionSetNode,
} from 'graphql'

/** The part of a subscription's document that decides what is sent for a transition. */
interface Shape {
  /** The document without the arguments of its root field, which only say which transitions are sent. */
  document: DocumentNode
  text: string
  /** The variables that it uses. */
  variables: readonly string[]
}

const shapes = new WeakMap<DocumentNode, Shape>()

/**
 * Equal for operations that are answered with the same bytes for the same transition: cursors and filters, which
 * differ between those who come and come again, make no difference.
 */
export function selectionKey({ document, operationName, variableValues }: ExecutionArgs): string {
  const shape = shapeFor(document)
  const values = shape.variables.map((variable) =>
    variableValues && variable in variableValues ? [variableValues[variable]] : [],
  )
  return JSON.stringify([operationName ?? '', shape.text, values])
}

/** What is executed on each transition: without arguments that need not be there, there is less to be made of them. */
export function documentToExecute(schema: GraphQLSchema, document: DocumentNode): DocumentNode {
  const { document: bare } = shapeFor(document)
  return validate(schema, bare, [ProvidedRequiredArgumentsRule]).length === 0 ? bare : document
}

function shapeFor(document: DocumentNode): Shape {
  const shape = shapes.get(document) ?? shapeOf(document)
  shapes.set(document, shape)
  return shape
}

function shapeOf(document: DocumentNode): Shape {
  const used = new Set<string>()
  const bare = visit(document, {
    OperationDefinition: ({ selectionSet, ...operation }) => ({
      ...operation,
      selectionSet: { ...selectionSet, selections: withoutArguments(operation.operation, selectionSet) },
    }),
  })
  visit(bare, {
    VariableDefinition: () => false,
    Variable: ({ name }) => void used.add(name.value),
  })
  const shape = visit(bare, {
    VariableDefinition: ({ variable }) => (used.has(variable.name.value) ? undefined : null),
  })
  return { document: shape, text: print(shape), variables: [...used].toSorted() }
}

function withoutArguments(operation: OperationTypeNode, { selections }: SelectionSetNode): SelectionNode[] {
  return selections.map((selection) =>
    operation === OperationTypeNode.SUBSCRIPTION && selection.kind === Kind.FIELD
      ? { ...selection, arguments: [] }
      : selection,
  )
}
