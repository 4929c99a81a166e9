import {
  getNamedType,
  getNullableType,
  getOperationAST,
  isCompositeType,
  isInputObjectType,
  isListType,
  Kind,
  OperationTypeNode,
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLCompositeType,
  type GraphQLField,
  type GraphQLInputType,
  type GraphQLSchema,
  type OperationDefinitionNode,
  type SelectionSetNode,
  type ValueNode,
} from 'graphql'
import { PAGE_DEFAULT, PAGE_MAX } from '../../graphql/connection.ts'
import {
  CHANGE,
  COMPOSED,
  COUNT,
  ENTRIES,
  EXTRA,
  FILTER,
  FILTER_OF_ONE_DISK,
  INTROSPECTED,
  LISTED_VALUE,
  OBJECT,
  PAGE,
  READ,
  TEXTS,
  UNPAGED_LIST,
  VALUE,
} from './field-costs.ts'

/** What an operation costs. */
export interface Cost {
  /** In points, by what it may select, read, compute and write: `field-costs.ts`. */
  points: number
  /** How many things it creates. */
  creates: number
}

/** An amount, or a number of entries, that may depend on variables. */
type Amount = number | ((variables: Values) => number)
type Values = Record<string, unknown>

interface Plan {
  /** In tenths of a point. */
  tenths: Amount
  creates: Amount
}

/** What a connection says of its fields. */
interface Page {
  /** How many entries it may have. */
  entries: Amount
  /** What it costs to look for them. */
  filter: Amount
}

const plans = new WeakMap<DocumentNode, Map<string, Plan>>()

/**
 * The cost of an operation of a valid document. Every selected field counts, under each of its names, and a page counts as
 * many times as it may have entries. What `@skip` and `@include` leave out counts, so that equal documents cost the same.
 * The plan is made once for a document, and has a number wherever no variable decides.
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
    return operation ? planOf(schema, document, operation) : { tenths: 0, creates: 0 }
  })
  const values = variables ?? {}
  return { points: Math.ceil(amount(plan.tenths, values) / 10), creates: amount(plan.creates, values) }
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
  const fragmentCosts = new Map<string, Amount>()
  const fragmentFields = new Map<string, number>()
  const pages = new Map<FieldNode, Page | undefined>()
  const pageKeys = new Map<Page, number>()
  const creates: Amount[] = []
  const defaults = new Map(
    operation.variableDefinitions?.map(({ variable, defaultValue }) => [variable.name.value, defaultValue]),
  )
  const isMutation = operation.operation === OperationTypeNode.MUTATION

  /** The cost of what is selected of one object; `page` is given if it is a connection, or the answer of a change of several things. */
  function selection(type: GraphQLCompositeType, { selections }: SelectionSetNode, page?: Page): Amount {
    return sum(
      selections.map((node) => {
        if (node.kind === Kind.FIELD) return field(type, node, page)
        const fragment = node.kind === Kind.INLINE_FRAGMENT ? node : fragments.get(node.name.value)
        if (!fragment) return 0
        const condition = fragment.typeCondition && schema.getType(fragment.typeCondition.name.value)
        const on = isCompositeType(condition) ? condition : type
        if (fragment.kind === Kind.INLINE_FRAGMENT) return selection(on, fragment.selectionSet, page)
        return remembered(fragmentCosts, `${fragment.name.value} ${pageKey(page)}`, () =>
          once(selection(on, fragment.selectionSet, page)),
        )
      }),
    )
  }

  /** A fragment of a connection may be spread in pages of different sizes. */
  function pageKey(page: Page | undefined): string {
    if (!page) return ''
    const { entries, filter } = page
    if (typeof entries === 'number' && typeof filter === 'number') return `${entries} ${filter}`
    return `$${remembered(pageKeys, page, () => pageKeys.size)}`
  }

  function field(type: GraphQLCompositeType, node: FieldNode, page: Page | undefined): Amount {
    const name = node.name.value
    if (name === '__schema' || name === '__type') return INTROSPECTED * (1 + introspected(node))
    const definition = 'getFields' in type ? type.getFields()[name] : undefined
    if (!definition) return VALUE
    const place = `${type.name}.${name}`
    const isChange = isMutation && type === schema.getMutationType()
    const items = isChange ? itemsOf(definition, node) : 0
    if (isChange && isCreation(name)) creates.push(items)
    const own = sum([VALUE, EXTRA[place] ?? TEXTS[name] ?? 0, product(items, CHANGE)])
    const named = getNamedType(definition.type)
    if (page && name === 'totalCount') return sum([own, COUNT, page.filter])
    if (page && type.name === 'PageInfo') return sum([own, name.startsWith('has') ? page.filter : 0])
    if (name === 'cursor' && named.name === 'String') return sum([own, READ])
    if (!isCompositeType(named) || !node.selectionSet) return own

    const connection = remembered(pages, node, () => pageOf(type, definition, node))
    const inner = named.name === 'PageInfo' ? page : isChange ? answerOf(items) : connection
    const selected = selection(named, node.selectionSet, inner)
    if (connection) return sum([own, PAGE, connection.filter, selected])
    // A page has been read with its entries.
    if (page) {
      const isList = isListType(getNullableType(definition.type))
      const object = /Edge$|^PageInfo$/.test(named.name) ? 0 : OBJECT
      return sum([own, isList ? product(page.entries, sum([object, selected])) : sum([object, selected])])
    }
    if (type.name.endsWith('Edge')) return sum([OBJECT, own, selected])
    const read = COMPOSED.has(named.name) || isChange ? 0 : READ
    if (!isListType(getNullableType(definition.type))) return sum([own, read, OBJECT, selected])
    const ids = idsOf(node)
    if (ids !== undefined) return sum([own, product(ids, sum([read, OBJECT, selected]))])
    return sum([own, read, product(ENTRIES[place] ?? UNPAGED_LIST, sum([OBJECT, selected]))])
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

  /** Of a field with `first` and `last`, how large its page may be, and what its filter costs. Larger ones are refused. */
  function pageOf(
    type: GraphQLCompositeType,
    { args }: GraphQLField<unknown, unknown>,
    node: FieldNode,
  ): Page | undefined {
    if (!args.some(({ name }) => name === 'first')) return undefined
    const filterType = args.find(({ name }) => name === 'filter')?.type
    const [first, last, filter] = [argument(node, 'first'), argument(node, 'last'), argument(node, 'filter')]
    return {
      entries: derived([first, last], ([from, to]) => {
        const sizes = [from, to].filter((size) => typeof size === 'number')
        return Math.min(PAGE_MAX, Math.max(0, ...(sizes.length > 0 ? sizes : [PAGE_DEFAULT])))
      }),
      filter: derived([filter], ([value]) => filterCost(value, filterType, type.name === 'Disk')),
    }
  }

  /** The answer of a change has an entry for each of its items. */
  function answerOf(items: Amount): Page {
    return { entries: items, filter: 0 }
  }

  /** How many things a change is of. */
  function itemsOf({ args }: GraphQLField<unknown, unknown>, node: FieldNode): Amount {
    const type = args.find(({ name }) => name === 'input')?.type
    return derived([argument(node, 'input')], ([input]) =>
      Math.max(
        1,
        ...givenIn(input, type).map(({ name, value }) =>
          name.endsWith('Ids') && Array.isArray(value) ? value.length : 1,
        ),
      ),
    )
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
    return nodes.some((node) => node && hasVariable(node)) ? work : work({})
  }

  /** The value of an argument, as far as amounts depend on it: numbers, lists and objects; of other values, that there is one. */
  function valueOf(node: ValueNode, variables: Values): unknown {
    switch (node.kind) {
      case Kind.INT:
        return Number(node.value)
      case Kind.LIST:
        return node.values.map((value) => valueOf(value, variables))
      case Kind.OBJECT:
        return Object.fromEntries(
          node.fields.map(({ name, value }) => [name.value, valueOf(value, variables)]),
        )
      case Kind.NULL:
        return null
      case Kind.VARIABLE: {
        const name = node.name.value
        if (Object.hasOwn(variables, name) && variables[name] !== undefined) return variables[name]
        const fallback = defaults.get(name)
        return fallback && valueOf(fallback, {})
      }
      default:
        return true
    }
  }

  const root = schema.getRootType(operation.operation)
  const tenths = root ? selection(root, operation.selectionSet) : 0
  return { tenths, creates: sum(creates) }
}

function hasVariable(node: ValueNode): boolean {
  if (node.kind === Kind.LIST) return node.values.some(hasVariable)
  if (node.kind === Kind.OBJECT) return node.fields.some(({ value }) => hasVariable(value))
  return node.kind === Kind.VARIABLE
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** A field of an input object. */
interface Given {
  name: string
  type: GraphQLInputType
  value: unknown
}

/** The fields of an input object that its type has: others are refused later, and however many there are, they cost nothing here. */
function givenIn(value: unknown, type: GraphQLInputType | undefined): Given[] {
  const named = type && getNamedType(type)
  if (!isInputObjectType(named) || !isObject(value)) return []
  return Object.values(named.getFields()).flatMap((field) =>
    Object.hasOwn(value, field.name) ? [{ ...field, value: value[field.name] }] : [],
  )
}

/** What a filter costs if it compares anything. The values of its lists may each be read as a list of their own. */
function filterCost(filter: unknown, type: GraphQLInputType | undefined, isOfOneDisk: boolean): number {
  const comparisons = givenIn(filter, type).filter(({ value }) => value !== null && value !== undefined)
  if (comparisons.length === 0) return 0
  if (isOfOneDisk) return FILTER_OF_ONE_DISK
  return FILTER + comparisons.reduce((total, one) => total + listedIn(one), 0) * LISTED_VALUE
}

/** How many values stand in lists, at any depth. */
function listedIn({ value, type }: Pick<Given, 'value' | 'type'>): number {
  if (Array.isArray(value))
    return value.reduce<number>((total, one) => total + 1 + listedIn({ value: one, type }), 0)
  return givenIn(value, type).reduce((total, one) => total + listedIn(one), 0)
}

/** Whether a mutation makes something new, by how mutations are named. */
function isCreation(mutation: string): boolean {
  return /^(create|register)[A-Z]/.test(mutation)
}
