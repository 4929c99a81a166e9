import {
  getOperationAST,
  isAbstractType,
  isEnumType,
  isLeafType,
  isListType,
  isNonNullType,
  isObjectType,
  Kind,
  OperationTypeNode,
  visit,
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLField,
  type GraphQLLeafType,
  type GraphQLObjectType,
  type GraphQLOutputType,
  type GraphQLResolveInfo,
  type GraphQLSchema,
} from 'graphql'
import { collectFields, collectSubfields } from 'graphql/execution/collectFields.js'
import { getArgumentValues } from 'graphql/execution/values.js'
import { MustWait } from '../reads/reads.ts'
import { coerceVariables } from './variables.ts'

interface ProjectArguments {
  rootValue?: unknown
  contextValue: unknown
  /** As `coerceVariables` gives them. */
  variables?: Record<string, unknown>
}

/** Why it takes an execution to say what is answered. */
export interface Fallback {
  /** What was thrown, by a resolver or here; undefined for a value that is left to executions. */
  error: unknown
}

/** The JSON text of the `data` of an operation, or a fallback. */
export type Project = (args: ProjectArguments) => string | Fallback

/** What one run of an operation knows; arguments and infos are made for a field once, and not for each of its parents. */
interface Run {
  context: unknown
  variables: Record<string, unknown>
  rootValue: unknown
  args: (Record<string, unknown> | undefined)[]
  infos: (GraphQLResolveInfo | undefined)[]
}

/** Marks a field, as an extension, whose value has to be waited for: an operation with it is not worth compiling. */
export const WAITS = { waits: true }

/** Writes a value as JSON; throws `OutOfTheOrdinary` for what it cannot. */
type Write = (value: unknown, run: Run) => string

/** Thrown when something is not simply a value: an error, a null where none may be, a promise. */
const OUT_OF_THE_ORDINARY = new Error('This is left to an execution.')

/**
 * Compiles an operation to closures that ask the schema's own resolvers and write what they give straight into JSON:
 * the bytes that an execution would give, for a part of its cost. There is one case only that they know, that all goes
 * well and nothing has to be waited for; whatever is out of the ordinary, an error first of all, is left to an
 * execution, so that there is one place where that is dealt with. Nothing is generated from the text of a document.
 * Undefined for mutations, which must not be run again, and for what takes values of variables to say what is selected, unless
 * these are given now, for every run: then they must be right.
 */
export function projectionOf(
  schema: GraphQLSchema,
  document: DocumentNode,
  operationName: string | null | undefined,
  given?: Readonly<Record<string, unknown>>,
): Project | undefined {
  const operation = getOperationAST(document, operationName)
  const root = operation && schema.getRootType(operation.operation)
  if (!root || operation.operation === OperationTypeNode.MUTATION) return undefined
  const bound = given && coerceVariables(schema, operation, given).coerced
  if (given ? !bound : hasDirectives(document)) return undefined
  const fragments = Object.create(null) as Record<string, FragmentDefinitionNode>
  for (const definition of document.definitions)
    if (definition.kind === Kind.FRAGMENT_DEFINITION) fragments[definition.name.value] = definition

  const subscriptions = schema.getSubscriptionType()
  /** The same for every run when the variables are. */
  const kept: Pick<Run, 'args' | 'infos'> | undefined = bound && { args: [], infos: [] }
  let fields = 0
  let waits = false

  function writerOf(type: GraphQLOutputType, nodes: readonly FieldNode[], info: InfoOf): Write {
    if (isNonNullType(type)) {
      const write = writerOfNonNull(type.ofType, nodes, info)
      return (value, run) => {
        if (value === null || value === undefined) throw OUT_OF_THE_ORDINARY
        return write(value, run)
      }
    }
    const write = writerOfNonNull(type, nodes, info)
    return (value, run) => (value === null || value === undefined ? 'null' : write(value, run))
  }

  function writerOfNonNull(type: GraphQLOutputType, nodes: readonly FieldNode[], info: InfoOf): Write {
    if (isListType(type)) {
      const write = writerOf(type.ofType, nodes, info)
      return (value, run) => {
        if (!Array.isArray(value)) throw OUT_OF_THE_ORDINARY
        let text = '['
        for (let index = 0; index < value.length; index++) {
          if (index > 0) text += ','
          text += write(simple(value[index]), run)
        }
        return `${text}]`
      }
    }
    if (isLeafType(type)) return leafWriter(type)
    if (isObjectType(type)) {
      const write = selectionWriter(type, collectSubfields(schema, fragments, bound ?? {}, type, nodes))
      if (!type.isTypeOf) return write
      return (value, run) => {
        if (type.isTypeOf?.(value, run.context, info(run)) !== true) throw OUT_OF_THE_ORDINARY
        return write(value, run)
      }
    }
    if (!isAbstractType(type) || !type.resolveType) throw OUT_OF_THE_ORDINARY
    const { resolveType } = type
    const writers = new Map(
      schema
        .getPossibleTypes(type)
        .map((one) => [
          one.name,
          selectionWriter(one, collectSubfields(schema, fragments, bound ?? {}, one, nodes)),
        ]),
    )
    return (value, run) => {
      const write = writers.get(resolveType(value, run.context, info(run), type) as string)
      if (!write) throw OUT_OF_THE_ORDINARY
      return write(value, run)
    }
  }

  function selectionWriter(
    type: GraphQLObjectType,
    selected: ReadonlyMap<string, readonly FieldNode[]>,
  ): Write {
    const columns = [...selected].map(([key, nodes], index) => ({
      before: `${index === 0 ? '' : ','}${JSON.stringify(key)}:`,
      write: fieldWriter(type, key, nodes),
    }))
    return (source, run) => {
      let text = '{'
      for (const { before, write } of columns) text += before + write(source, run)
      return `${text}}`
    }
  }

  function fieldWriter(type: GraphQLObjectType, key: string, nodes: readonly FieldNode[]): Write {
    const name = nodes[0]?.name.value ?? ''
    if (name === '__typename') {
      const text = JSON.stringify(type.name)
      return () => text
    }
    const field = type.getFields()[name]
    if (!field || field.extensions.waits) throw OUT_OF_THE_ORDINARY
    if (fields >= MAX_FIELDS) throw OUT_OF_THE_ORDINARY
    const index = fields++
    const info = (run: Run) => (run.infos[index] ??= infoOf(type, field, key, nodes, run))
    const args = argumentsOf(field, nodes, index)
    const write = writerOf(field.type, nodes, info)
    // What is given is the event itself; all about its arguments was decided when the stream was opened.
    if (type === subscriptions) return write
    const { resolve } = field
    if (resolve)
      return (source, run) => write(simple(resolve(source, args(run), run.context, info(run))), run)
    return (source, run) => {
      const value = (source as Record<string, unknown>)[name]
      return write(
        simple(typeof value === 'function' ? value.call(source, args(run), run.context, info(run)) : value),
        run,
      )
    }
  }

  /** A value that is there; a promise or an error is not. */
  function simple(value: unknown): unknown {
    if (typeof value !== 'object' || value === null) return value
    if (typeof (value as Partial<PromiseLike<unknown>>).then === 'function') {
      waits = true
      if (value instanceof Promise) value.catch(() => undefined)
      throw OUT_OF_THE_ORDINARY
    }
    if (value instanceof Error) throw OUT_OF_THE_ORDINARY
    return value
  }

  function infoOf(
    parentType: GraphQLObjectType,
    field: GraphQLField<unknown, unknown>,
    key: string,
    fieldNodes: readonly FieldNode[],
    { rootValue, variables }: Run,
  ): GraphQLResolveInfo {
    return {
      fieldName: field.name,
      fieldNodes,
      returnType: field.type,
      parentType,
      path: { prev: undefined, key, typename: parentType.name },
      schema,
      fragments,
      rootValue,
      operation: operation as NonNullable<typeof operation>,
      variableValues: variables,
    }
  }

  let write: Write
  try {
    write = selectionWriter(root, collectFields(schema, fragments, bound ?? {}, root, operation.selectionSet))
  } catch (error) {
    if (error === OUT_OF_THE_ORDINARY) return undefined
    throw error
  }

  return ({ rootValue, contextValue, variables = NO_VARIABLES }) => {
    if (waits) return ORDINARY_FALLBACK
    try {
      return write(rootValue ?? NO_ROOT, {
        context: contextValue,
        variables: bound ?? variables,
        // Nobody asks an info for it, and one that is kept would hold it.
        rootValue: kept ? undefined : rootValue,
        args: kept?.args ?? [],
        infos: kept?.infos ?? [],
      })
    } catch (error) {
      return error === OUT_OF_THE_ORDINARY || error instanceof MustWait ? ORDINARY_FALLBACK : { error }
    }
  }
}

const ORDINARY_FALLBACK: Fallback = { error: undefined }

/** How many fields are compiled at most, wherever fragments put them: each takes about a KiB. */
const MAX_FIELDS = 1_000

type InfoOf = (run: Run) => GraphQLResolveInfo

const NO_ROOT = Object.freeze({})
const NO_VARIABLES = {}

function hasDirectives(document: DocumentNode): boolean {
  let found = false
  visit(document, { Directive: () => void (found = true) })
  return found
}

/** The arguments of a field: the same in each run when no variable is among them. */
function argumentsOf(
  field: GraphQLField<unknown, unknown>,
  nodes: readonly FieldNode[],
  index: number,
): (run: Run) => Record<string, unknown> {
  const [node] = nodes
  if (!node || field.args.length === 0) return () => NO_ARGUMENTS
  let constant: Record<string, unknown> | undefined
  let varies = false
  visit(node, { SelectionSet: () => false, Variable: () => void (varies = true) })
  return (run) =>
    varies
      ? (run.args[index] ??= getArgumentValues(field, node, run.variables))
      : (constant ??= getArgumentValues(field, node))
}

const NO_ARGUMENTS = {}

function leafWriter(type: GraphQLLeafType): Write {
  const general = (value: unknown) => {
    const serialized: unknown = type.serialize(value)
    if (serialized === null || serialized === undefined) throw OUT_OF_THE_ORDINARY
    return JSON.stringify(serialized)
  }
  if (isEnumType(type)) {
    const texts = new Map(type.getValues().map(({ name, value }) => [value as unknown, `"${name}"`]))
    return (value) => texts.get(value) ?? general(value)
  }
  switch (type.name) {
    case 'ID':
    case 'String':
      return (value) => (typeof value === 'string' ? JSON.stringify(value) : general(value))
    case 'Boolean':
      return (value) => (typeof value === 'boolean' ? String(value) : general(value))
    case 'Int':
      return (value) => (typeof value === 'number' && (value | 0) === value ? String(value) : general(value))
    case 'SafeInt':
      return (value) => (Number.isSafeInteger(value) ? String(value) : general(value))
    case 'Float':
      return (value) => (Number.isFinite(value) ? String(value) : general(value))
    case 'DateTime': {
      // Much happens at the same time.
      let last: number | undefined
      let text = ''
      return (value) => {
        if (!(value instanceof Date)) return general(value)
        const time = value.getTime()
        if (time !== last) [last, text] = [time, `"${value.toISOString()}"`]
        return text
      }
    }
    default:
      return general
  }
}
