import fc from 'fast-check'
import {
  getNullableType,
  isListType,
  Kind,
  parse,
  print,
  TypeInfo,
  visit,
  visitWithTypeInfo,
  type ConstDirectiveNode,
  type GraphQLSchema,
  type SelectionNode,
} from 'graphql'
import { randomQueries } from './random-queries.ts'

const DEFER: ConstDirectiveNode = { kind: Kind.DIRECTIVE, name: { kind: Kind.NAME, value: 'defer' } }

const stream = (count: number): ConstDirectiveNode => ({
  kind: Kind.DIRECTIVE,
  name: { kind: Kind.NAME, value: 'stream' },
  arguments: [
    {
      kind: Kind.ARGUMENT,
      name: { kind: Kind.NAME, value: 'initialCount' },
      value: { kind: Kind.INT, value: String(count) },
    },
  ],
})

/** Random queries, with and without some of their fields deferred and some of their lists streamed. */
export function deferredQueries(
  schema: GraphQLSchema,
  ids: string[],
): fc.Arbitrary<{ plain: string; deferred: string }> {
  return fc
    .tuple(randomQueries(schema, ids), fc.infiniteStream(fc.nat(5)))
    .filter(([plain]) => isDocument(plain))
    .map(([plain, numbers]) => ({ plain, deferred: withDirectives(schema, plain, numbers) }))
}

/** The query with directives where the numbers say: at most forty. */
function withDirectives(schema: GraphQLSchema, query: string, numbers: Iterator<number>): string {
  let left = 40
  const next = () => (numbers.next() as { value: number }).value
  const types = new TypeInfo(schema)
  const document = visit(
    parse(query),
    visitWithTypeInfo(types, {
      Field(node) {
        const type = types.getType()
        const count = next()
        if (!type || !isListType(getNullableType(type)) || count > 2 || --left < 0) return undefined
        return { ...node, directives: [stream(count)] }
      },
      SelectionSet: {
        leave(node) {
          const selections = node.selections.map((selection): SelectionNode => {
            if (next() > 1 || --left < 0) return selection
            return {
              kind: Kind.INLINE_FRAGMENT,
              directives: [DEFER],
              selectionSet: { kind: Kind.SELECTION_SET, selections: [selection] },
            }
          })
          return { ...node, selections }
        },
      },
    }),
  )
  return print(document)
}

/** Not with half a surrogate pair in a text, for example. */
function isDocument(text: string): boolean {
  try {
    parse(text)
    return true
  } catch {
    return false
  }
}
