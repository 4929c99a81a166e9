import {
  getNamedType,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isLeafType,
  isListType,
  isNonNullType,
  isObjectType,
  isRequiredArgument,
  isRequiredInputField,
  isUnionType,
  Lexer,
  Source,
  TokenKind,
  type GraphQLField,
  type GraphQLInputType,
  type GraphQLNamedType,
  type GraphQLObjectType,
  type GraphQLOutputType,
  type GraphQLSchema,
} from 'graphql'

/** A place in the schema where a client gives a text: an argument, or a field of an input below one. */
export interface Position {
  /** How it is written, such as `Query.disks(filter:).id.in`. */
  coordinate: string
  scalar: 'ID' | 'String'
  kind: Kind
  /** The document that gives it, and the variables with this value there. */
  document: string
  variables: (value: string) => Record<string, unknown>
}

/** What to give where something must be given and it is not the place in question. */
export type Fill = (coordinate: string, type: GraphQLNamedType) => unknown

type Kind = 'query' | 'mutation' | 'subscription'
const KINDS: Partial<Record<string, Kind>> = {
  Query: 'query',
  Mutation: 'mutation',
  Subscription: 'subscription',
}

/** The deepest that selections go, in objects within objects. */
const DEPTH = 3

/** How many tokens a document may have: the gateway takes no larger ones. */
const TOKENS_MAX = 1_000

/** Everything that can be asked of a schema: a document for every field with arguments, and every text in those. */
export function walk(schema: GraphQLSchema, fill: Fill) {
  const selected = new Set<string>()
  const routes = routesFrom(schema)

  /** Abstract types, of many members, whose members the document has already. */
  const spelt = new Set<string>()

  /** Everything below a type: each field that needs no argument, each type on the way once; of the first type only some. */
  function selection(
    type: GraphQLOutputType,
    path: readonly string[] = [],
    only?: readonly string[],
  ): string {
    const named = getNamedType(type)
    if (isLeafType(named)) return ''
    if (isUnionType(named) || isInterfaceType(named)) {
      if (spelt.has(named.name)) return '{ __typename }'
      spelt.add(named.name)
      const members = schema.getPossibleTypes(named).filter(({ name }) => only?.includes(name) ?? true)
      // What an interface has of leaves is asked for once, or documents become too large.
      const shared = isInterfaceType(named)
        ? Object.values(named.getFields()).filter(({ type: leaf }) => isLeafType(getNamedType(leaf)))
        : []
      const names = shared.map(({ name }) => name)
      // Entities are reached by other ways too, and at full depth.
      const within = isInterfaceType(named) || named.name === '_Entity' ? [...path, named.name] : path
      const selections = members.map((member) => `... on ${member.name} ${fields(member, within, names)}`)
      return `{ __typename ${[...names, ...selections].join(' ')} }`
    }
    return isObjectType(named) ? fields(named, path, [], only) : ''
  }

  function fields(
    type: GraphQLObjectType,
    path: readonly string[],
    selectedAbove: readonly string[] = [],
    only?: readonly string[],
  ): string {
    const chosen = Object.values(type.getFields()).flatMap((field) => {
      if (only && !only.includes(field.name)) return []
      const named = getNamedType(field.type)
      const isDeeper = !isLeafType(named)
      if (field.args.some(isRequiredArgument)) return []
      if (isDeeper && (path.includes(named.name) || path.length >= DEPTH)) return []
      const coordinate = `${type.name}.${field.name}`
      selected.add(coordinate)
      if (selectedAbove.includes(field.name)) return []
      const alias = `${type.name}_${field.name}: ${field.name}`
      return [isDeeper ? `${alias} ${selection(field.type, [...path, type.name])}` : alias]
    })
    return `{ __typename ${chosen.join(' ')} }`
  }

  /** The documents that ask for one field, and together for everything below it. */
  function documentsFor(
    parent: GraphQLObjectType,
    field: GraphQLField<unknown, unknown>,
    only = partsOf(getNamedType(field.type)),
  ): string[] {
    const document = documentFor(parent, field, only)
    if (tokensOf(document) <= TOKENS_MAX) return [document]
    if (only.length < 2) throw new Error(`${parent.name}.${field.name} is too large for a document.`)
    const half = Math.ceil(only.length / 2)
    return [only.slice(0, half), only.slice(half)].flatMap((some) => documentsFor(parent, field, some))
  }

  /** What can be asked for by itself: the fields of an object, the members of an abstract type. */
  function partsOf(type: GraphQLNamedType): string[] {
    if (isObjectType(type)) return Object.keys(type.getFields())
    return isUnionType(type) || isInterfaceType(type)
      ? schema.getPossibleTypes(type).map(({ name }) => name)
      : []
  }

  /** The document that asks for one field, with a variable for each of its arguments, and for some of what is below it. */
  function documentFor(
    parent: GraphQLObjectType,
    field: GraphQLField<unknown, unknown>,
    only: readonly string[],
  ): string {
    spelt.clear()
    selected.add(`${parent.name}.${field.name}`)
    const kind = KINDS[parent.name] ?? 'query'
    const declared = field.args.map(
      (arg) => `$${arg.name}: ${String(arg.type).replace(/!$/, isRequiredArgument(arg) ? '!' : '')}`,
    )
    const given = field.args.map((arg) => `${arg.name}: $${arg.name}`)
    const list = (items: string[]) => (items.length > 0 ? `(${items.join(', ')})` : '')
    const call = `${field.name}${list(given)} ${selection(field.type, [parent.name], only)}`
    const route = routes.get(parent.name) ?? []
    const nested = route.reduceRight((inside, step) => `${step} { ${inside} }`, call)
    return `${kind}${list(declared)} { ${nested} }`
  }

  const documents: {
    coordinate: string
    kind: Position['kind']
    document: string
    variables: Record<string, unknown>
  }[] = []
  const positions: Position[] = []
  for (const parent of Object.values(schema.getTypeMap())) {
    if (!isObjectType(parent) || parent.name.startsWith('__') || !routes.has(parent.name)) continue
    for (const field of Object.values(parent.getFields())) {
      const isRoot = parent.name in KINDS
      if (!isRoot && field.args.length === 0) continue
      const kind = KINDS[parent.name] ?? 'query'
      const coordinate = `${parent.name}.${field.name}`
      const required = Object.fromEntries(
        field.args
          .filter(isRequiredArgument)
          .map((arg) => [arg.name, example(`${coordinate}(${arg.name}:)`, arg.type)]),
      )
      const given = field.args.flatMap((arg) =>
        places(`${coordinate}(${arg.name}:)`, arg.type).map(({ build, ...place }) => ({
          ...place,
          variables: (value: string) => ({ ...required, [arg.name]: build(value) }),
        })),
      )
      for (const document of documentsFor(parent, field)) {
        documents.push({ coordinate, kind, document, variables: required })
        positions.push(...given.map((place) => ({ ...place, kind, document })))
      }
    }
  }

  function example(coordinate: string, type: GraphQLInputType): unknown {
    if (isNonNullType(type)) return example(coordinate, type.ofType)
    if (isListType(type)) return [example(coordinate, type.ofType)]
    if (isEnumType(type)) return type.getValues()[0]?.name
    if (!isInputObjectType(type)) return fill(coordinate, type)
    const fields = Object.values(type.getFields())
    const needed = type.isOneOf ? fields.slice(0, 1) : fields.filter(isRequiredInputField)
    return Object.fromEntries(
      needed.map((field) => [field.name, example(`${coordinate}.${field.name}`, field.type)]),
    )
  }

  interface Place {
    coordinate: string
    scalar: Position['scalar']
    build: (value: string) => unknown
  }

  function places(coordinate: string, type: GraphQLInputType, within: readonly string[] = []): Place[] {
    if (isNonNullType(type)) return places(coordinate, type.ofType, within)
    if (isListType(type)) {
      return places(coordinate, type.ofType, within).map((place) => ({
        ...place,
        build: (value) => [place.build(value)],
      }))
    }
    if (isInputObjectType(type)) {
      if (within.includes(type.name)) return []
      return Object.values(type.getFields()).flatMap((field) =>
        places(`${coordinate}.${field.name}`, field.type, [...within, type.name]).map((place) => ({
          ...place,
          build: (value: string) => ({
            ...(type.isOneOf ? {} : (example(coordinate, type) as object)),
            [field.name]: place.build(value),
          }),
        })),
      )
    }
    const { name } = type
    if (name === '_Any') return representations(coordinate)
    return name === 'ID' || name === 'String' ? [{ coordinate, scalar: name, build: (value) => value }] : []
  }

  /** A place for the id of each entity that a federating gateway asks for. */
  function representations(coordinate: string): Place[] {
    const entities = schema.getType('_Entity')
    if (!isUnionType(entities)) throw new Error('The schema has no entities.')
    return entities.getTypes().map(({ name }) => ({
      coordinate: `${coordinate}.${name}.id`,
      scalar: 'ID' as const,
      build: (id: string) => ({ __typename: name, id }),
    }))
  }

  return { documents, positions, selected }
}

/** For each object type the fields that lead to it from Query, none of which needs an argument; the roots themselves first. */
function routesFrom(schema: GraphQLSchema): Map<string, string[]> {
  const routes = new Map<string, string[]>(Object.keys(KINDS).map((root) => [root, []]))
  const waiting = ['Query']
  for (let name = waiting.shift(); name !== undefined; name = waiting.shift()) {
    const type = schema.getType(name)
    if (!isObjectType(type)) continue
    for (const field of Object.values(type.getFields())) {
      const next = getNamedType(field.type)
      if (!isObjectType(next) || routes.has(next.name) || field.args.some(isRequiredArgument)) continue
      routes.set(next.name, [...(routes.get(name) ?? []), field.name])
      waiting.push(next.name)
    }
  }
  return routes
}

/** How many tokens a document has. */
function tokensOf(document: string): number {
  const lexer = new Lexer(new Source(document))
  let count = 0
  while (lexer.advance().kind !== TokenKind.EOF) count++
  return count
}
