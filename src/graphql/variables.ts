import {
  coerceInputValue,
  getNamedType,
  getNullableType,
  isInputObjectType,
  isListType,
  isNonNullType,
  typeFromAST,
  valueFromAST,
  type GraphQLError,
  type GraphQLInputObjectType,
  type GraphQLInputType,
  type GraphQLSchema,
  type OperationDefinitionNode,
  type VariableDefinitionNode,
} from 'graphql'
import { shortened, shown } from '../domain/echo.ts'
import { ClientError, MAX_ERRORS } from './errors.ts'

export interface CoercionOptions {
  /** Whether errors leave out names of the schema that the client may have meant. */
  hideSuggestions?: boolean
}

export type CoercedVariables =
  { coerced: Record<string, unknown>; errors?: undefined } | { coerced?: undefined; errors: GraphQLError[] }

/**
 * The variables of an operation of a valid document as its resolvers get them, or what is wrong with them. The engine's
 * own function prints the whole value with each error, of which there may be as many as there are keys; here there are
 * at most `MAX_ERRORS`, and one that says that there are more, and what is shown of the values is bounded. An object with
 * more fields than its type is refused as a whole. Time and answer are proportional to the values at most.
 */
export function coerceVariables(
  schema: GraphQLSchema,
  { variableDefinitions = [] }: OperationDefinitionNode,
  values: Readonly<Record<string, unknown>> | null | undefined,
  { hideSuggestions = false }: CoercionOptions = {},
): CoercedVariables {
  const coerced = Object.create(null) as Record<string, unknown>
  const errors: GraphQLError[] = []

  // An object with many errors is shown with each of them.
  let last: { value: unknown; text: string } | undefined
  function show(value: unknown): string {
    if (!last || last.value !== value) last = { value, text: shown(value, VALUE_LENGTH) }
    return last.text
  }

  function report(definition: VariableDefinitionNode, problem: string): void {
    if (errors.length >= MAX_ERRORS) throw ENOUGH
    errors.push(invalid(`Variable "$${nameOf(definition)}" ${problem}`, definition))
  }

  function coerce(definition: VariableDefinitionNode): void {
    const name = definition.variable.name.value
    const type = typeFromAST(schema, definition.type) as GraphQLInputType
    if (!values || !Object.hasOwn(values, name)) {
      if (definition.defaultValue) coerced[name] = valueFromAST(definition.defaultValue, type)
      else if (isNonNullType(type))
        report(definition, `of required type "${type.toString()}" was not provided.`)
      return
    }
    const value = values[name]
    if (value === null && isNonNullType(type)) {
      report(definition, `of non-null type "${type.toString()}" must not be null.`)
      return
    }
    const excess = oversized(value, type)
    if (excess) {
      const { path, typeName, fields } = excess
      report(
        definition,
        `has too many fields${placeOf(definition, path)}; type "${typeName}" has only ${fields}.`,
      )
      return
    }
    coerced[name] = coerceInputValue(
      value,
      type,
      (path, wrong, { message }) =>
        report(
          definition,
          `got invalid value ${show(wrong)}${placeOf(definition, path)}; ${shortened(message, REASON_LENGTH)}`,
        ),
      hideSuggestions,
    )
  }

  try {
    variableDefinitions.forEach(coerce)
  } catch (error) {
    if (error !== ENOUGH) throw error
    errors.push(invalid(`The variables have more errors than these ${MAX_ERRORS}.`))
  }
  return errors.length > 0 ? { errors } : { coerced }
}

interface Oversized {
  path: (string | number)[]
  typeName: string
  fields: number
}

/** The first object in a value that has more fields than its type. */
function oversized(value: unknown, type: GraphQLInputType): Oversized | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  const nullable = getNullableType(type)
  if (isListType(nullable)) {
    if (!Array.isArray(value)) return oversized(value, nullable.ofType)
    if (!isInputObjectType(getNamedType(nullable))) return undefined
    for (let index = 0; index < value.length; index++) {
      const found = oversized(value[index], nullable.ofType)
      if (found) return { ...found, path: [index, ...found.path] }
    }
    return undefined
  }
  return isInputObjectType(nullable) ? oversizedObject(value, nullable) : undefined
}

function oversizedObject(value: object, type: GraphQLInputObjectType): Oversized | undefined {
  const known = type.getFields()
  let fields = fieldCounts.get(type)
  if (fields === undefined) fieldCounts.set(type, (fields = Object.keys(known).length))
  let left = fields
  for (const name in value) {
    if (left-- === 0) return { path: [], typeName: type.name, fields }
    const field = known[name]
    const found = field && oversized((value as Record<string, unknown>)[name], field.type)
    if (found) return { ...found, path: [name, ...found.path] }
  }
  return undefined
}

const fieldCounts = new WeakMap<GraphQLInputObjectType, number>()

const ENOUGH = new Error('There are enough errors.')

/** How much of each a message has, in characters: the name may be there twice, so `MAX_ECHO` in all. */
const NAME_LENGTH = 32
const VALUE_LENGTH = 32
const REASON_LENGTH = 104

function placeOf(definition: VariableDefinitionNode, path: readonly (string | number)[]): string {
  const at = path.map((key) => (typeof key === 'number' ? `[${key}]` : `.${key}`)).join('')
  return at && ` at "${nameOf(definition)}${at}"`
}

function nameOf({ variable }: VariableDefinitionNode): string {
  return shortened(variable.name.value, NAME_LENGTH)
}

function invalid(message: string, node?: VariableDefinitionNode): GraphQLError {
  return new ClientError(message, { nodes: node ?? null, extensions: { code: 'BAD_USER_INPUT' } })
}
