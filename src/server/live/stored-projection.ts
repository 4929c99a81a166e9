import {
  getNamedType,
  getOperationAST,
  isLeafType,
  isObjectType,
  Kind,
  type ExecutionArgs,
  type FragmentDefinitionNode,
} from 'graphql'
import { collectFields, collectSubfields } from 'graphql/execution/collectFields.js'
import { projectionOf } from '../../graphql/projection.ts'
import { isStored } from '../../graphql/hints.ts'
import { coerceVariables } from '../../graphql/variables.ts'

/** Makes the JSON of an answer of its source; undefined where it takes an execution to say what is answered. */
export type Project = (source: unknown) => Buffer | undefined

/**
 * For a subscription that selects nothing but values that are stored with its source: what makes the very bytes that an
 * execution would, for a tenth of its cost. Undefined for any other.
 */
export function storedProjectionOf(args: ExecutionArgs): Project | undefined {
  if (!selectsStoredValues(args)) return undefined
  const { schema, document, operationName, contextValue } = args
  const project = projectionOf(schema, document, operationName, args.variableValues ?? {})
  return (
    project &&
    ((rootValue) => {
      const data = project({ rootValue, contextValue })
      return typeof data === 'string' ? Buffer.from(`{"data":${data}}`) : undefined
    })
  )
}

function selectsStoredValues({ schema, document, operationName, variableValues }: ExecutionArgs): boolean {
  const operation = getOperationAST(document, operationName)
  const root = schema.getSubscriptionType()
  if (!operation || !root) return false
  const { coerced } = coerceVariables(schema, operation, variableValues)
  if (!coerced) return false
  const fragments = Object.create(null) as Record<string, FragmentDefinitionNode>
  for (const definition of document.definitions)
    if (definition.kind === Kind.FRAGMENT_DEFINITION) fragments[definition.name.value] = definition

  return [...collectFields(schema, fragments, coerced, root, operation.selectionSet).values()].every(
    (nodes) => {
      const field = root.getFields()[nodes[0]?.name.value ?? '']
      const type = field && getNamedType(field.type)
      if (!isObjectType(type) || !isStored(type)) return false
      return [...collectSubfields(schema, fragments, coerced, type, nodes).values()].every(([node]) => {
        const name = node?.name.value ?? ''
        const selected = type.getFields()[name]
        return name === '__typename' || (selected !== undefined && isLeafType(getNamedType(selected.type)))
      })
    },
  )
}
