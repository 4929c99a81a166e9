import {
  Kind,
  lexicographicSortSchema,
  parse,
  print,
  printSchema,
  visit,
  type ASTNode,
  type ConstDirectiveNode,
  type GraphQLSchema,
} from 'graphql'

/** The version of Apollo Federation, and what of it is used. Source: the subgraph specification, "Schema links". */
const LINK = `extend schema @link(url: "https://specs.apollo.dev/federation/v2.3", import: ["@key", "@shareable"])`

/** Types that other subgraphs may have as well, with the same meaning. Source: GraphQL Cursor Connections Specification. */
const SHAREABLE: readonly string[] = ['PageInfo']

const known = new WeakMap<GraphQLSchema, string>()

/**
 * The schema as a subgraph of Apollo Federation 2: each entity with its key, without what only a federating gateway asks
 * for. Made once, when it is first asked for.
 */
export function subgraphSdl(schema: GraphQLSchema, entities: readonly string[]): string {
  let sdl = known.get(schema)
  if (sdl === undefined) {
    const document = visit(parse(printSchema(lexicographicSortSchema(schema))), {
      enter: (node) => (isOfThisGateway(node) ? null : undefined),
      leave: (node) =>
        node.kind === Kind.OBJECT_TYPE_DEFINITION
          ? { ...node, directives: directivesOf(node.name.value, entities) }
          : undefined,
    })
    known.set(schema, (sdl = `${LINK}\n\n${print(document)}\n`))
  }
  return sdl
}

/** What a federating gateway must not compose: its own fields here, and directives that it would not pass on. */
function isOfThisGateway(node: ASTNode): boolean {
  return (
    node.kind === Kind.DIRECTIVE_DEFINITION || ('name' in node && node.name?.value.startsWith('_') === true)
  )
}

function directivesOf(type: string, entities: readonly string[]): ConstDirectiveNode[] {
  if (entities.includes(type)) return directives(`@key(fields: "id")`)
  return SHAREABLE.includes(type) ? directives('@shareable') : []
}

function directives(text: string): ConstDirectiveNode[] {
  const [type] = parse(`type Any ${text}`).definitions
  return type?.kind === Kind.OBJECT_TYPE_DEFINITION ? [...(type.directives ?? [])] : []
}
