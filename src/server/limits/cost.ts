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
  type GraphQLSchema,
  type OperationDefinitionNode,
  type SelectionNode,
  type SelectionSetNode,
} from 'graphql'
import { costHintOf, entriesHintOf, READ } from '../../graphql/hints.ts'
import { amount, once, product, sum, type Amount, type Values } from './amounts.ts'
import { ArgumentAmounts, type Page } from './argument-amounts.ts'
import {
  CHANGE,
  COMPOSED,
  COUNT,
  OBJECT,
  OF_PLUGINS,
  PAGE,
  PART,
  TEXTS,
  UNPAGED_LIST,
  VALUE,
} from './field-costs.ts'
import { IntrospectionCost } from './introspection-cost.ts'

/** What an operation costs. */
export interface Cost {
  /** In points, by what it may select, read, compute and write: `field-costs.ts`. */
  points: number
  /** How many things it creates. */
  creates: number
}

interface Plan {
  /** In tenths of a point. */
  tenths: Amount
  creates: Amount
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
    return operation ? new Planner(schema, document, operation).plan() : { tenths: 0, creates: 0 }
  })
  const values = variables ?? {}
  return { points: Math.ceil(amount(plan.tenths, values) / 10), creates: amount(plan.creates, values) }
}

function remembered<Key, Value>(known: Map<Key, Value>, key: Key, make: () => Value): Value {
  if (known.has(key)) return known.get(key) as Value
  const value = make()
  known.set(key, value)
  return value
}

/** Makes the plan of one operation. */
class Planner {
  readonly #schema: GraphQLSchema
  readonly #operation: OperationDefinitionNode
  readonly #isMutation: boolean
  readonly #arguments: ArgumentAmounts
  readonly #introspection: IntrospectionCost
  readonly #fragments = new Map<string, FragmentDefinitionNode>()
  readonly #fragmentCosts = new Map<string, Amount>()
  readonly #pages = new Map<FieldNode, Page | undefined>()
  readonly #pageKeys = new Map<Page, number>()
  readonly #creates: Amount[] = []

  constructor(schema: GraphQLSchema, document: DocumentNode, operation: OperationDefinitionNode) {
    this.#schema = schema
    this.#operation = operation
    this.#isMutation = operation.operation === OperationTypeNode.MUTATION
    this.#arguments = new ArgumentAmounts(operation)
    for (const definition of document.definitions)
      if (definition.kind === Kind.FRAGMENT_DEFINITION) this.#fragments.set(definition.name.value, definition)
    this.#introspection = new IntrospectionCost(schema, this.#fragments)
  }

  plan(): Plan {
    const { operation, selectionSet } = this.#operation
    const root = this.#schema.getRootType(operation)
    const tenths = root ? this.#selection(root, selectionSet) : 0
    return { tenths, creates: sum(this.#creates) }
  }

  /** The cost of what is selected of one object; `page` is given if it is a connection, or the answer of a change of several things. */
  #selection(type: GraphQLCompositeType, { selections }: SelectionSetNode, page?: Page): Amount {
    return sum(
      selections.map((node) => {
        if (node.kind === Kind.FIELD) return this.#field(type, node, page)
        const fragment = node.kind === Kind.INLINE_FRAGMENT ? node : this.#fragments.get(node.name.value)
        if (!fragment) return 0
        const condition = fragment.typeCondition && this.#schema.getType(fragment.typeCondition.name.value)
        const on = isCompositeType(condition) ? condition : type
        const part = has(node, 'defer') ? PART : 0
        if (fragment.kind === Kind.INLINE_FRAGMENT)
          return sum([part, this.#selection(on, fragment.selectionSet, page)])
        const selected = remembered(
          this.#fragmentCosts,
          `${fragment.name.value} ${this.#pageKey(page)}`,
          () => once(this.#selection(on, fragment.selectionSet, page)),
        )
        return sum([part, selected])
      }),
    )
  }

  /** A fragment of a connection may be spread in pages of different sizes. */
  #pageKey(page: Page | undefined): string {
    if (!page) return ''
    const { entries, filter } = page
    if (typeof entries === 'number' && typeof filter === 'number') return `${entries} ${filter}`
    return `$${remembered(this.#pageKeys, page, () => this.#pageKeys.size)}`
  }

  #field(type: GraphQLCompositeType, node: FieldNode, page: Page | undefined): Amount {
    const name = node.name.value
    if (name === '__schema') return this.#introspection.ofSchema(node)
    if (name === '__type')
      return this.#arguments.byName(node, (named) => this.#introspection.ofType(node, named))
    const definition = 'getFields' in type ? type.getFields()[name] : undefined
    if (!definition) return VALUE
    const isChange = this.#isMutation && type === this.#schema.getMutationType()
    const items = isChange ? this.#arguments.itemsOf(definition, node) : 0
    if (isChange && isCreation(name)) this.#creates.push(items)
    const more = costHintOf(definition) ?? OF_PLUGINS[`${type.name}.${name}`] ?? TEXTS[name] ?? 0
    const kept = type === this.#schema.getSubscriptionType() ? this.#arguments.keptOf(definition, node) : 0
    const own = sum([VALUE, more, product(items, CHANGE), kept])
    const named = getNamedType(definition.type)
    if (page && name === 'totalCount') return sum([own, COUNT, page.filter])
    if (page && type.name === 'PageInfo') return sum([own, name.startsWith('has') ? page.filter : 0])
    if (name === 'cursor' && named.name === 'String') return sum([own, READ])
    const isList = isListType(getNullableType(definition.type))
    const known = this.#arguments.lastOf(definition, node) ?? entriesHintOf(definition)
    const entries = known ?? UNPAGED_LIST
    // Lists of values of which nothing is said, such as statuses, are short.
    if (!isCompositeType(named) || !node.selectionSet)
      return isList && known !== undefined ? sum([own, product(known, VALUE)]) : own

    const connection = remembered(this.#pages, node, () => this.#arguments.pageOf(type, definition, node))
    const inner = named.name === 'PageInfo' ? page : isChange ? answerOf(items) : connection
    const part = has(node, 'stream') ? PART : 0
    const selected = sum([part, this.#selection(named, node.selectionSet, inner)])
    if (connection) return sum([own, PAGE, connection.filter, selected])
    // A page has been read with its entries.
    if (page) {
      const object = /Edge$|^PageInfo$/.test(named.name) ? 0 : OBJECT
      return sum([own, isList ? product(page.entries, sum([object, selected])) : sum([object, selected])])
    }
    if (type.name.endsWith('Edge')) return sum([OBJECT, own, selected])
    const read = COMPOSED.has(named.name) || isChange ? 0 : READ
    if (!isList) return sum([own, read, OBJECT, selected])
    const ids = this.#arguments.idsOf(node)
    if (ids !== undefined) return sum([own, product(ids, sum([read, OBJECT, selected]))])
    return sum([own, read, product(entries, sum([OBJECT, selected]))])
  }
}

/** Whether a directive is there, its condition aside: equal documents cost the same. */
function has({ directives = [] }: SelectionNode, directive: 'defer' | 'stream'): boolean {
  return directives.some(({ name }) => name.value === directive)
}

/** The answer of a change has an entry for each of its items. */
function answerOf(items: Amount): Page {
  return { entries: items, filter: 0 }
}

/** Whether a mutation makes something new, by how mutations are named. */
function isCreation(mutation: string): boolean {
  return /^(create|register|test|refresh)[A-Z]/.test(mutation)
}
