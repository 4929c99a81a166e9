import {
  getOperationAST,
  isAbstractType,
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
  type GraphQLObjectType,
  type GraphQLOutputType,
  type GraphQLResolveInfo,
  type GraphQLSchema,
  type OperationDefinitionNode,
} from 'graphql'
import { collectFields, collectSubfields } from 'graphql/execution/collectFields.js'
import { getArgumentValues } from 'graphql/execution/values.js'
import { MustWait } from '../reads/reads.ts'
import { waits } from './hints.ts'
import { leafWriter, OUT_OF_THE_ORDINARY } from './leaf-writer.ts'
import { coerceVariables } from './variables.ts'

interface ProjectArguments {
  rootValue?: unknown
  contextValue: unknown
  /** As `coerceVariables` gives them. */
  variables?: Record<string, unknown>
}

/** Why it takes an execution to say what is answered. */
interface Fallback {
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

/** Writes a value as JSON; throws `OutOfTheOrdinary` for what it cannot. */
type Write = (value: unknown, run: Run) => string

/**
 * Compiles an operation to closures that ask the schema's own resolvers and write what they give straight into JSON:
 * the bytes that an execution would give, for a part of its cost. They handle one case only: all goes well and
 * nothing has to be waited for. Anything else, an error first of all, is left to an execution, so that errors have one
 * origin. Nothing is generated from the text of a document. Undefined for mutations, which must not be run again, and for
 * operations whose selection depends on variables, unless these are given now, for every run: then they must be right.
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

  const compiler = new Compiler({ schema, operation, fragments, bound })
  /** The same for every run when the variables are. */
  const kept: Pick<Run, 'args' | 'infos'> | undefined = bound && { args: [], infos: [] }
  let write: Write
  try {
    write = compiler.rootWriter(root)
  } catch (error) {
    if (error === OUT_OF_THE_ORDINARY) return undefined
    throw error
  }

  return ({ rootValue, contextValue, variables = NO_VARIABLES }) => {
    if (compiler.waits) return ORDINARY_FALLBACK
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

/** What an operation is compiled with. */
interface CompilerOptions {
  schema: GraphQLSchema
  operation: OperationDefinitionNode
  fragments: Record<string, FragmentDefinitionNode>
  /** The variables of every run, where these are known now. */
  bound: Record<string, unknown> | undefined
}

/** Makes the writers of one operation; throws `OUT_OF_THE_ORDINARY` for what has to be executed. */
class Compiler {
  /** A resolver has returned a promise: the operation is not worth running here again. */
  waits = false
  readonly #schema: GraphQLSchema
  readonly #operation: OperationDefinitionNode
  readonly #fragments: Record<string, FragmentDefinitionNode>
  readonly #bound: Record<string, unknown>
  #fields = 0

  constructor({ schema, operation, fragments, bound = {} }: CompilerOptions) {
    this.#schema = schema
    this.#operation = operation
    this.#fragments = fragments
    this.#bound = bound
  }

  /** Returns a value that is there; throws for a promise and for an error. */
  readonly simple = (value: unknown): unknown => {
    if (typeof value !== 'object' || value === null) return value
    if (typeof (value as Partial<PromiseLike<unknown>>).then === 'function') {
      this.waits = true
      if (value instanceof Promise) value.catch(() => undefined)
      throw OUT_OF_THE_ORDINARY
    }
    if (value instanceof Error) throw OUT_OF_THE_ORDINARY
    return value
  }

  rootWriter(root: GraphQLObjectType): Write {
    const { selectionSet } = this.#operation
    return this.#selectionWriter(
      root,
      collectFields(this.#schema, this.#fragments, this.#bound, root, selectionSet),
    )
  }

  #subfields(type: GraphQLObjectType, nodes: readonly FieldNode[]) {
    return collectSubfields(this.#schema, this.#fragments, this.#bound, type, nodes)
  }

  #writerOf(type: GraphQLOutputType, nodes: readonly FieldNode[], info: InfoOf): Write {
    if (isNonNullType(type)) {
      const write = this.#writerOfNonNull(type.ofType, nodes, info)
      return (value, run) => {
        if (value === null || value === undefined) throw OUT_OF_THE_ORDINARY
        return write(value, run)
      }
    }
    const write = this.#writerOfNonNull(type, nodes, info)
    return (value, run) => (value === null || value === undefined ? 'null' : write(value, run))
  }

  #writerOfNonNull(type: GraphQLOutputType, nodes: readonly FieldNode[], info: InfoOf): Write {
    if (isListType(type)) {
      const { simple } = this
      const write = this.#writerOf(type.ofType, nodes, info)
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
      const write = this.#selectionWriter(type, this.#subfields(type, nodes))
      if (!type.isTypeOf) return write
      return (value, run) => {
        if (type.isTypeOf?.(value, run.context, info(run)) !== true) throw OUT_OF_THE_ORDINARY
        return write(value, run)
      }
    }
    if (!isAbstractType(type) || !type.resolveType) throw OUT_OF_THE_ORDINARY
    const { resolveType } = type
    const writers = new Map(
      this.#schema
        .getPossibleTypes(type)
        .map((one) => [one.name, this.#selectionWriter(one, this.#subfields(one, nodes))]),
    )
    return (value, run) => {
      const write = writers.get(resolveType(value, run.context, info(run), type) as string)
      if (!write) throw OUT_OF_THE_ORDINARY
      return write(value, run)
    }
  }

  #selectionWriter(type: GraphQLObjectType, selected: ReadonlyMap<string, readonly FieldNode[]>): Write {
    const columns = [...selected].map(([key, nodes], index) => ({
      before: `${index === 0 ? '' : ','}${JSON.stringify(key)}:`,
      write: this.#fieldWriter(type, key, nodes),
    }))
    return (source, run) => {
      let text = '{'
      for (const { before, write } of columns) text += before + write(source, run)
      return `${text}}`
    }
  }

  #fieldWriter(type: GraphQLObjectType, key: string, nodes: readonly FieldNode[]): Write {
    const name = nodes[0]?.name.value ?? ''
    if (name === '__typename') {
      const text = JSON.stringify(type.name)
      return () => text
    }
    const field = type.getFields()[name]
    if (!field || waits(field)) throw OUT_OF_THE_ORDINARY
    if (this.#fields >= MAX_FIELDS) throw OUT_OF_THE_ORDINARY
    const index = this.#fields++
    const info = (run: Run) => (run.infos[index] ??= this.#infoOf(type, field, key, nodes, run))
    const args = argumentsOf(field, nodes, index)
    const write = this.#writerOf(field.type, nodes, info)
    // What is given is the event itself; all about its arguments was decided when the stream was opened.
    if (type === this.#schema.getSubscriptionType()) return write
    const { resolve } = field
    const { simple } = this
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

  #infoOf(
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
      schema: this.#schema,
      fragments: this.#fragments,
      rootValue,
      operation: this.#operation,
      variableValues: variables,
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
