import {
  getNullableType,
  GraphQLError,
  isListType,
  Kind,
  OperationTypeNode,
  visit,
  type ASTNode,
  type ASTVisitor,
  type DirectiveNode,
  type ValidationContext,
} from 'graphql'

const isIncremental = ({ name: { value } }: DirectiveNode) => value === 'defer' || value === 'stream'

const argumentOf = (directive: DirectiveNode, name: string) =>
  directive.arguments?.find((argument) => argument.name.value === name)?.value

/** A label names the parts of one `@defer` or `@stream`: it is known before the variables are, and no other has it. */
export function IncrementalLabels(context: ValidationContext): ASTVisitor {
  const known = new Set<string>()
  return {
    Directive(node) {
      if (!isIncremental(node)) return
      const label = argumentOf(node, 'label')
      if (!label || label.kind === Kind.NULL) return
      if (label.kind === Kind.VARIABLE) {
        report(context, `The label of @${node.name.value} must be a string, not a variable.`, node)
      } else if (label.kind === Kind.STRING) {
        if (known.has(label.value)) report(context, 'Two @defer or @stream have the same label.', node)
        known.add(label.value)
      }
    },
  }
}

/** What is streamed is a list, after a number of entries. */
export function StreamedLists(context: ValidationContext): ASTVisitor {
  return {
    Directive(node) {
      if (node.name.value !== 'stream') return
      const type = context.getFieldDef()?.type
      if (type && !isListType(getNullableType(type)))
        report(context, `@stream is for lists, and ${context.getFieldDef()?.name} is none.`, node)
      const count = argumentOf(node, 'initialCount')
      if (count?.kind === Kind.NULL || (count?.kind === Kind.INT && Number(count.value) < 0))
        report(context, 'The initialCount of @stream must be 0 or more.', node)
    },
  }
}

/**
 * An event of a subscription is one result, and the root fields of a mutation run one after the other: neither is delivered in
 * parts. Source: GraphQL specification, draft, "Defer And Stream Directives Are Used On Valid Root Field" and "… Operations".
 */
export function IncrementalOperations(context: ValidationContext): ASTVisitor {
  return {
    Directive(node) {
      if (!isIncremental(node) || context.getParentType() !== context.getSchema().getMutationType()) return
      report(context, `@${node.name.value} cannot be used at the root of a mutation.`, node)
    },
    OperationDefinition(operation) {
      if (operation.operation !== OperationTypeNode.SUBSCRIPTION) return
      for (const body of [operation, ...context.getRecursivelyReferencedFragments(operation)]) {
        visit(body, {
          Directive(node) {
            if (isIncremental(node))
              report(context, `@${node.name.value} cannot be used in a subscription.`, node)
          },
        })
      }
    },
  }
}

function report(context: ValidationContext, message: string, node: ASTNode): void {
  context.reportError(new GraphQLError(message, { nodes: node }))
}
