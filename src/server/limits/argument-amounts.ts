import {
  getNamedType,
  isInputObjectType,
  Kind,
  type FieldNode,
  type GraphQLCompositeType,
  type GraphQLField,
  type GraphQLInputType,
  type OperationDefinitionNode,
  type ValueNode,
} from 'graphql'
import { PAGE_DEFAULT, PAGE_MAX } from '../../graphql/connection.ts'
import type { Amount, Values } from './amounts.ts'
import { FILTER, FILTER_OF_ONE_DISK, KEPT_VALUE, LISTED_VALUE } from './field-costs.ts'

/** What a connection says of its fields. */
export interface Page {
  /** How many entries it may have. */
  entries: Amount
  /** What it costs to look for them. */
  filter: Amount
}

/** The amounts that the arguments of an operation decide. */
export class ArgumentAmounts {
  readonly #defaults: ReadonlyMap<string, ValueNode | undefined>

  constructor({ variableDefinitions = [] }: OperationDefinitionNode) {
    this.#defaults = new Map(
      variableDefinitions.map(({ variable, defaultValue }) => [variable.name.value, defaultValue]),
    )
  }

  /** Of a field with `first` and `last`, how large its page may be, and what its filter costs. Larger ones are refused. */
  pageOf(
    type: GraphQLCompositeType,
    { args }: GraphQLField<unknown, unknown>,
    node: FieldNode,
  ): Page | undefined {
    if (!args.some(({ name }) => name === 'first')) return undefined
    const filterType = args.find(({ name }) => name === 'filter')?.type
    const [first, last, filter] = [
      this.#argument(node, 'first'),
      this.#argument(node, 'last'),
      this.#argument(node, 'filter'),
    ]
    return {
      entries: this.#derived([first, last], ([from, to]) => {
        const sizes = [from, to].filter((size) => typeof size === 'number')
        return Math.min(PAGE_MAX, Math.max(0, ...(sizes.length > 0 ? sizes : [PAGE_DEFAULT])))
      }),
      filter: this.#derived([filter], ([value]) => filterCost(value, filterType, type.name === 'Disk')),
    }
  }

  /** How many entries a list gives that has only `last`; undefined where nobody says, or the field has no such argument. */
  lastOf({ args }: GraphQLField<unknown, unknown>, node: FieldNode): Amount | undefined {
    const last = this.#argument(node, 'last')
    const fallback: unknown = args.find(({ name }) => name === 'last')?.defaultValue
    if (last === undefined || typeof fallback !== 'number') return undefined
    return this.#derived([last], ([size]) =>
      typeof size === 'number' ? Math.max(0, Math.min(PAGE_MAX, size)) : fallback,
    )
  }

  /** What the lists in the filter of a stream cost, which is kept for as long as the stream is open. */
  keptOf({ args }: GraphQLField<unknown, unknown>, node: FieldNode): Amount {
    const type = args.find(({ name }) => name === 'filter')?.type
    return this.#derived([this.#argument(node, 'filter')], ([value]) =>
      type ? listedIn({ value, type }) * KEPT_VALUE : 0,
    )
  }

  /** An amount that the argument `name` decides. */
  byName(node: FieldNode, amountOf: (name: string) => number): Amount {
    return this.#derived([this.#argument(node, 'name')], ([name]) =>
      typeof name === 'string' ? amountOf(name) : 0,
    )
  }

  /** How many things a change is of. */
  itemsOf({ args }: GraphQLField<unknown, unknown>, node: FieldNode): Amount {
    const type = args.find(({ name }) => name === 'input')?.type
    return this.#derived([this.#argument(node, 'input')], ([input]) =>
      Math.max(
        1,
        ...givenIn(input, type).map(({ name, value }) =>
          name.endsWith('Ids') && Array.isArray(value) ? value.length : 1,
        ),
      ),
    )
  }

  /** How many things are asked for by id, or by what a federating gateway knows of them. */
  idsOf(node: FieldNode): Amount | undefined {
    const ids = this.#argument(node, 'ids') ?? this.#argument(node, 'representations')
    if (ids === undefined) return undefined
    return this.#derived([ids], ([value]) => (Array.isArray(value) ? value.length : 1))
  }

  #argument({ arguments: given }: FieldNode, name: string): ValueNode | undefined {
    return given?.find((one) => one.name.value === name)?.value
  }

  #derived(nodes: (ValueNode | undefined)[], amountOf: (values: unknown[]) => number): Amount {
    const work = (variables: Values) => amountOf(nodes.map((node) => node && this.#valueOf(node, variables)))
    return nodes.some((node) => node && hasVariable(node)) ? work : work({})
  }

  /** The value of an argument, as far as amounts depend on it: numbers, texts, lists and objects; of other values, that there is one. */
  #valueOf(node: ValueNode, variables: Values): unknown {
    switch (node.kind) {
      case Kind.INT:
        return Number(node.value)
      case Kind.STRING:
        return node.value
      case Kind.LIST:
        return node.values.map((value) => this.#valueOf(value, variables))
      case Kind.OBJECT:
        return Object.fromEntries(
          node.fields.map(({ name, value }) => [name.value, this.#valueOf(value, variables)]),
        )
      case Kind.NULL:
        return null
      case Kind.VARIABLE: {
        const name = node.name.value
        if (Object.hasOwn(variables, name) && variables[name] !== undefined) return variables[name]
        const fallback = this.#defaults.get(name)
        return fallback && this.#valueOf(fallback, {})
      }
      default:
        return true
    }
  }
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
