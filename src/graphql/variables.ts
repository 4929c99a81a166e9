import {
  coerceInputValue,
  isNonNullType,
  typeFromAST,
  valueFromAST,
  type GraphQLError,
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
 * at most `MAX_ERRORS`, and one that says that there are more, and what is shown of the values is bounded. Time and
 * answer are proportional to the values at most.
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
    coerced[name] = coerceInputValue(
      value,
      type,
      (path, wrong, { message }) => {
        const at = path.map((key) => (typeof key === 'number' ? `[${key}]` : `.${key}`)).join('')
        const where = at && ` at "${nameOf(definition)}${at}"`
        report(definition, `got invalid value ${show(wrong)}${where}; ${shortened(message, REASON_LENGTH)}`)
      },
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

const ENOUGH = new Error('There are enough errors.')

/** How much of each a message has, in characters: the name may be there twice, so `MAX_ECHO` in all. */
const NAME_LENGTH = 32
const VALUE_LENGTH = 32
const REASON_LENGTH = 104

function nameOf({ variable }: VariableDefinitionNode): string {
  return shortened(variable.name.value, NAME_LENGTH)
}

function invalid(message: string, node?: VariableDefinitionNode): GraphQLError {
  return new ClientError(message, { nodes: node ?? null, extensions: { code: 'BAD_USER_INPUT' } })
}
