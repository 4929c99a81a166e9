import { createHash } from 'node:crypto'
import { Kind, type DocumentNode, type OperationDefinitionNode, type SelectionSetNode } from 'graphql'
import { withoutSecrets } from './secrets.ts'

/** An operation as the gate admits it. */
export interface AdmittedOperation {
  document: DocumentNode
  node: OperationDefinitionNode
  parameters: { query: string }
}

/** What the log and the metrics say of an operation: worked out once for each document, not for each request. */
export interface DescribedOperation {
  kind: string
  /** As the client named it; undefined when it has no name. */
  name: string | undefined
  /** SHA-256 of the document, in hexadecimal: the key of a trusted document. */
  hash: string | undefined
  /** The `operation` of its metrics. No client can make a new one. */
  label: string
}

/** A request that was refused before its operation was known. */
export const NO_OPERATION: DescribedOperation = {
  kind: 'none',
  name: undefined,
  hash: undefined,
  label: 'none',
}

const MAX_NAME_LENGTH = 100

export function describeOperation(
  { document, node, parameters }: AdmittedOperation,
  isTrusted: boolean,
): DescribedOperation {
  return {
    kind: node.operation,
    name: node.name && withoutSecrets(node.name.value).slice(0, MAX_NAME_LENGTH),
    hash: createHash('sha256').update(parameters.query).digest('hex'),
    label: isTrusted && node.name ? node.name.value : rootFieldOf(document, node),
  }
}

/** The root field of an operation, which is one of the schema; `several` where it has more than one. */
function rootFieldOf(document: DocumentNode, { selectionSet }: OperationDefinitionNode): string {
  const fields = new Set<string>()
  const visited = new Set<string>()
  function collect({ selections }: SelectionSetNode): void {
    for (const selection of selections) {
      if (selection.kind === Kind.FIELD) fields.add(selection.name.value)
      else if (selection.kind === Kind.INLINE_FRAGMENT) collect(selection.selectionSet)
      else if (!visited.has(selection.name.value)) {
        visited.add(selection.name.value)
        for (const definition of document.definitions)
          if (definition.kind === Kind.FRAGMENT_DEFINITION && definition.name.value === selection.name.value)
            collect(definition.selectionSet)
      }
    }
  }
  collect(selectionSet)
  const [first = '__typename', second] = [...fields].filter((name) => name !== '__typename')
  return second === undefined ? first : 'several'
}
