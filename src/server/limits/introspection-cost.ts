import {
  getNamedType,
  isObjectType,
  Kind,
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLObjectType,
  type GraphQLResolveInfo,
  type GraphQLSchema,
  type SelectionSetNode,
} from 'graphql'
import { OBJECT, VALUE } from './field-costs.ts'

/**
 * What an introspection costs: each value and each object that it writes, found out by walking the schema with the resolvers of
 * the introspection. What is selected of one thing costs the same wherever that is, so it is worked out once.
 */
export class IntrospectionCost {
  readonly #schema: GraphQLSchema
  readonly #fragments: ReadonlyMap<string, FragmentDefinitionNode>
  readonly #known = new Map<SelectionSetNode, Map<unknown, number>>()

  constructor(schema: GraphQLSchema, fragments: ReadonlyMap<string, FragmentDefinitionNode>) {
    this.#schema = schema
    this.#fragments = fragments
  }

  /** Of `__schema`. */
  ofSchema({ selectionSet }: FieldNode): number {
    return this.#of('__Schema', this.#schema, selectionSet)
  }

  /** Of `__type`; nothing where there is no type of this name. */
  ofType({ selectionSet }: FieldNode, name: string): number {
    const type = this.#schema.getType(name)
    return type ? this.#of('__Type', type, selectionSet) : 0
  }

  #of(typeName: string, source: unknown, selectionSet: SelectionSetNode | undefined): number {
    const type = this.#schema.getType(typeName)
    return isObjectType(type) && selectionSet ? OBJECT + this.#selection(type, source, selectionSet) : OBJECT
  }

  #selection(type: GraphQLObjectType, source: unknown, selectionSet: SelectionSetNode): number {
    const known = this.#known.get(selectionSet) ?? new Map<unknown, number>()
    this.#known.set(selectionSet, known)
    const before = known.get(source)
    if (before !== undefined) return before
    const cost = selectionSet.selections.reduce((total, node) => {
      if (node.kind === Kind.FIELD) return total + this.#field(type, source, node)
      const fragment = node.kind === Kind.INLINE_FRAGMENT ? node : this.#fragments.get(node.name.value)
      return fragment ? total + this.#selection(type, source, fragment.selectionSet) : total
    }, 0)
    known.set(source, cost)
    return cost
  }

  #field(type: GraphQLObjectType, source: unknown, { name, selectionSet }: FieldNode): number {
    const field = type.getFields()[name.value]
    if (!field || !selectionSet) return VALUE
    const found = field.resolve?.(source, { includeDeprecated: true }, {}, this.#info)
    const entries = Array.isArray(found) ? found : [found ?? undefined].filter((one) => one !== undefined)
    const { name: of } = getNamedType(field.type)
    return entries.reduce<number>((total, entry) => total + this.#of(of, entry, selectionSet), VALUE)
  }

  /** All that the resolvers of an introspection look at. */
  get #info(): GraphQLResolveInfo {
    return { schema: this.#schema } as GraphQLResolveInfo
  }
}
