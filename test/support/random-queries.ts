import fc from 'fast-check'
import {
  getNamedType,
  getNullableType,
  isAbstractType,
  isCompositeType,
  isEnumType,
  isInputObjectType,
  isListType,
  isNonNullType,
  isObjectType,
  type GraphQLCompositeType,
  type GraphQLField,
  type GraphQLInputType,
  type GraphQLObjectType,
  type GraphQLSchema,
} from 'graphql'

/** Texts as people write them, and as nobody would. */
const text = fc.oneof(
  fc.string({ maxLength: 30 }),
  fc.string({ maxLength: 30, unit: 'binary' }),
  fc.constantFrom('', '\0', '\ud800', '\u202e', '%', '_', "'", 'v-', '😀'),
)

/** A value of the type, as it is written in a document; `ids` are what ids may be. */
function literal(type: GraphQLInputType, ids: string[]): fc.Arbitrary<string> {
  if (isNonNullType(type)) return literal(type.ofType, ids)
  if (isListType(type)) {
    return fc.array(literal(type.ofType, ids), { maxLength: 4 }).map((values) => `[${values.join(', ')}]`)
  }
  if (isEnumType(type)) return fc.constantFrom(...type.getValues().map(({ name }) => name))
  if (isInputObjectType(type)) {
    const fields = Object.values(type.getFields()).map((field) => {
      const value = literal(field.type, ids).map((given) => `${field.name}: ${given}`)
      return isNonNullType(field.type) && field.defaultValue === undefined
        ? value
        : fc.option(value, { nil: '', freq: 2 })
    })
    return fc.tuple(...fields).map((given) => `{${given.filter(Boolean).join(', ')}}`)
  }
  switch (type.name) {
    case 'Int':
    case 'SafeInt':
      return fc.oneof(fc.integer({ min: -2, max: 102 }), fc.integer()).map(String)
    case 'Float':
      return fc.double({ noNaN: true, noDefaultInfinity: true }).map(String)
    case 'Boolean':
      return fc.boolean().map(String)
    case 'ID':
      return fc.oneof({ weight: 3, arbitrary: fc.constantFrom(...ids) }, text).map((id) => JSON.stringify(id))
    case 'DateTime':
      return fc
        .date({ noInvalidDate: true, min: new Date(0), max: new Date(4e12) })
        .map((date) => JSON.stringify(date.toISOString()))
    default:
      return text.map((value) => JSON.stringify(value))
  }
}

/** Documents that are valid but for the values in them: any fields, any arguments, to a depth. */
export function randomQueries(schema: GraphQLSchema, ids: string[]): fc.Arbitrary<string> {
  function argumentsOf({ args }: GraphQLField<unknown, unknown>): fc.Arbitrary<string> {
    const given = args.map((argument) => {
      const value = literal(argument.type, ids).map((written) => `${argument.name}: ${written}`)
      return isNonNullType(argument.type) ? value : fc.option(value, { nil: '', freq: 2 })
    })
    return fc.tuple(...given).map((all) => {
      const written = all.filter(Boolean)
      return written.length > 0 ? `(${written.join(', ')})` : ''
    })
  }

  function selection(type: GraphQLCompositeType, depth: number): fc.Arbitrary<string> {
    if (isAbstractType(type)) {
      const members = schema.getPossibleTypes(type)
      return fc
        .subarray([...members], { minLength: 1, maxLength: Math.min(3, members.length) })
        .chain((some) => fc.tuple(...some.map((member) => on(member, depth))))
        .map((parts) => `__typename ${parts.join(' ')}`)
    }
    const fields = isObjectType(type) ? Object.values(type.getFields()) : []
    const possible = fields.filter((field) => depth > 0 || !isCompositeType(getNamedType(field.type)))
    if (possible.length === 0) return fc.constant('__typename')
    return fc
      .subarray(possible, { minLength: 1, maxLength: Math.min(5, possible.length) })
      .chain((some) => fc.tuple(...some.map((field) => written(field, depth))))
      .map((parts) => parts.join(' '))
  }

  function on(member: GraphQLObjectType, depth: number): fc.Arbitrary<string> {
    return selection(member, depth).map((parts) => `... on ${member.name} { ${parts} }`)
  }

  function written(field: GraphQLField<unknown, unknown>, depth: number): fc.Arbitrary<string> {
    const named = getNamedType(getNullableType(field.type))
    const inner = isCompositeType(named)
      ? selection(named, depth - 1).map((parts) => ` { ${parts} }`)
      : fc.constant('')
    return fc.tuple(argumentsOf(field), inner).map(([given, parts]) => `${field.name}${given}${parts}`)
  }

  const query = schema.getQueryType()
  if (!query) throw new Error('There is no Query.')
  return selection(query, 5).map((parts) => `{ ${parts} }`)
}
