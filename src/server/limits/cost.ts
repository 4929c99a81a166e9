import {
  getNamedType,
  getNullableType,
  getOperationAST,
  isCompositeType,
  isListType,
  Kind,
  OperationTypeNode,
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLCompositeType,
  type GraphQLField,
  type GraphQLSchema,
  type OperationDefinitionNode,
  type SelectionSetNode,
  type ValueNode,
} from 'graphql'
import { PAGE_DEFAULT, PAGE_MAX } from '../../graphql/connection.ts'

/** What an operation costs. */
export interface Cost {
  /** In points: one for each object that it may read. */
  points: number
  /** How many things it creates. */
  creates: number
}

/** What a change costs besides what it answers, in points: a durable write. */
const MUTATION_POINTS = 10
/** What each field of an introspection costs: the schema is large, but no larger than it is. */
const INTROSPECTION_POINTS = 10
/** How many entries a list that is not paged is taken to have, such as the tags of a snapshot. */
const UNPAGED_LIST = 5

/** A number of points, or of entries, that may depend on variables. */
type Amount = number | ((variables: Values) => number)
type Values = Record<string, unknown>

interface Plan {
  points: Amount
  creates: number
}

const plans = new WeakMap<DocumentNode, Map<string, Plan>>()

/**
 * The cost of an operation of a valid document. Every object counts 1, so a page counts as many as it may have entries,
 * times what is asked of each; scalars are free. What `@skip` and `@include` leave out counts, so that equal documents
 * cost the same. The plan is made once for a document, and has a number wherever no variable decides.
 */
export function costOf(
  schema: GraphQLSchema,
  document: DocumentNode,
  operationName: string | null | undefined,
  variables: Values | null | undefined,
): Cost {
  const known = plans.get(document) ?? new Map<string, Plan>()
  plans.set(document, known)
  const plan = remembered(known, operationName ?? '', () => {
    const operation = getOperationAST(document, operationName)
    return operation ? planOf(schema, document, operation) : { points: 0, creates: 0 }
  })
  return { points: amount(plan.points, variables ?? {}), creates: plan.creates }
}

function amount(value: Amount, variables: Values): number {
  return typeof value === 'number' ? value : value(variables)
}

function sum(amounts: Amount[]): Amount {
  const fixed = amounts.reduce<number>((total, one) => total + (typeof one === 'number' ? one : 0), 0)
  const variable = amounts.filter((one) => typeof one !== 'number')
  if (variable.length === 0) return fixed
  return (variables) => variable.reduce((total, one) => total + one(variables), fixed)
}

function product(size: Amount, points: Amount): Amount {
  if (typeof size === 'number' && typeof points === 'number') return size * points
  return (variables) => amount(size, variables) * amount(points, variables)
}

/** The same amount, worked out once for each set of variables: a fragment may be spread many times, by others too. */
function once(points: Amount): Amount {
  if (typeof points === 'number') return points
  let last: { variables: Values; value: number } | undefined
  return (variables) => {
    if (last?.variables !== variables) last = { variables, value: points(variables) }
    return last.value
  }
}

function remembered<Key, Value>(known: Map<Key, Value>, key: Key, make: () => Value): Value {
  if (known.has(key)) return known.get(key) as Value
  const value = make()
  known.set(key, value)
  return value
}

function planOf(schema: GraphQLSchema, document: DocumentNode, operation: OperationDefinitionNode): Plan {
  const fragments = new Map<string, FragmentDefinitionNode>()
  for (const definition of document.definitions)
    if (definition.kind === Kind.FRAGMENT_DEFINITION) fragments.set(definition.name.value, definition)
  const fragmentPoints = new Map<string, Amount>()
  const fragmentFields = new Map<string, number>()
  const pages = new Map<FieldNode, Amount | undefined>()
  const pageKeys = new Map<Amount, number>()
  const defaults = new Map(
    operation.variableDefinitions?.map(({ variable, defaultValue }) => [variable.name.value, defaultValue]),
  )
  const isMutation = operation.operation === OperationTypeNode.MUTATION
  let creates = 0

  /** The cost of what is selected of one object; `entries` is the size of its page, if it is a connection. */
  function selection(type: GraphQLCompositeType, { selections }: SelectionSetNode, entries?: Amount): Amount {
    return sum(
      selections.map((node) => {
        if (node.kind === Kind.FIELD) return field(type, node, entries)
        const fragment = node.kind === Kind.INLINE_FRAGMENT ? node : fragments.get(node.name.value)
        if (!fragment) return 0
        const condition = fragment.typeCondition && schema.getType(fragment.typeCondition.name.value)
        const on = isCompositeType(condition) ? condition : type
        if (fragment.kind === Kind.INLINE_FRAGMENT) return selection(on, fragment.selectionSet, entries)
        return remembered(fragmentPoints, `${fragment.name.value} ${pageKey(entries)}`, () =>
          once(selection(on, fragment.selectionSet, entries)),
        )
      }),
    )
  }

  /** A fragment of a connection may be spread in pages of different sizes. */
  function pageKey(entries: Amount | undefined): string {
    if (typeof entries !== 'function') return String(entries)
    return `$${remembered(pageKeys, entries, () => pageKeys.size)}`
  }

  function field(type: GraphQLCompositeType, node: FieldNode, entries: Amount | undefined): Amount {
    const name = node.name.value
    if (name === '__schema' || name === '__type') return INTROSPECTION_POINTS * (1 + introspected(node))
    const definition = 'getFields' in type ? type.getFields()[name] : undefined
    if (!definition) return 0
    const write = isMutation && type === schema.getMutationType()
    if (write && isCreation(name)) creates++
    const named = getNamedType(definition.type)
    if (!isCompositeType(named) || !node.selectionSet)
      return (name === 'totalCount' ? 1 : 0) + (write ? MUTATION_POINTS : 0)
    const own = /Edge$|^PageInfo$/.test(named.name) ? 0 : 1
    const page = remembered(pages, node, () => pageOf(definition, node))
    const points = sum([own, selection(named, node.selectionSet, page)])
    if (isListType(getNullableType(definition.type)))
      return product(entries ?? idsOf(node) ?? UNPAGED_LIST, points)
    return write ? sum([MUTATION_POINTS, points]) : points
  }

  /** How many fields an introspection selects. */
  function introspected({ selectionSet }: { selectionSet?: SelectionSetNode | undefined }): number {
    return (selectionSet?.selections ?? []).reduce((total, node) => {
      if (node.kind === Kind.FIELD) return total + 1 + introspected(node)
      if (node.kind === Kind.INLINE_FRAGMENT) return total + introspected(node)
      return total + introspectedBy(node.name.value)
    }, 0)
  }

  function introspectedBy(fragment: string): number {
    return remembered(fragmentFields, fragment, () => introspected(fragments.get(fragment) ?? {}))
  }

  /** How many entries the page has that a field with `first` and `last` returns; beyond the most allowed it is refused. */
  function pageOf({ args }: GraphQLField<unknown, unknown>, node: FieldNode): Amount | undefined {
    if (!args.some(({ name }) => name === 'first')) return undefined
    const [first, last] = [argument(node, 'first'), argument(node, 'last')]
    return derived([first, last], ([from, to]) => {
      const sizes = [from, to].filter((size) => typeof size === 'number')
      return Math.min(PAGE_MAX, Math.max(0, ...(sizes.length > 0 ? sizes : [PAGE_DEFAULT])))
    })
  }

  /** How many things are asked for by id. */
  function idsOf(node: FieldNode): Amount | undefined {
    const ids = argument(node, 'ids')
    if (ids === undefined) return undefined
    return derived([ids], ([value]) => (Array.isArray(value) ? value.length : 1))
  }

  function argument({ arguments: given }: FieldNode, name: string): ValueNode | undefined {
    return given?.find((one) => one.name.value === name)?.value
  }

  function derived(nodes: (ValueNode | undefined)[], amountOf: (values: unknown[]) => number): Amount {
    const work = (variables: Values) => amountOf(nodes.map((node) => node && valueOf(node, variables)))
    return nodes.some((node) => node?.kind === Kind.VARIABLE) ? work : work({})
  }

  /** What a page size or list of ids comes to; nothing else is looked into. */
  function valueOf(node: ValueNode, variables: Values): unknown {
    if (node.kind === Kind.INT) return Number(node.value)
    if (node.kind === Kind.LIST) return node.values
    if (node.kind !== Kind.VARIABLE) return undefined
    const name = node.name.value
    if (Object.hasOwn(variables, name) && variables[name] !== undefined) return variables[name]
    const fallback = defaults.get(name)
    return fallback && valueOf(fallback, {})
  }

  const root = schema.getRootType(operation.operation)
  return { points: root ? selection(root, operation.selectionSet) : 0, creates }
}

/** Whether a mutation makes something new, by how mutations are named. */
function isCreation(mutation: string): boolean {
  return /^(create|register)[A-Z]/.test(mutation)
}
