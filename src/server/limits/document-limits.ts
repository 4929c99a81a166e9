import {
  Kind,
  type DirectiveNode,
  type DocumentNode,
  type FieldNode,
  type SelectionNode,
  type SelectionSetNode,
  type ValueNode,
} from 'graphql'
import type { DocumentLimits } from '../../config.ts'
import { clientError } from '../../graphql/errors.ts'

/**
 * How often one selection set may have the same response name, its inline fragments included. Validation compares
 * each with each other one: a hundred take it a tenth of a second. Clients add `__typename` to each inline fragment, and
 * `UserError` has about thirty implementations.
 */
const MAX_REPETITIONS = 40

/**
 * How deep lists and objects may nest in one argument; no input needs more than four levels. Validation puts each level
 * into its messages.
 */
const MAX_VALUE_DEPTH = 10

/**
 * How long a name in the answer may be, and the label of a part: an answer has it as often as it has the value. Messages
 * repeat no more of what a client sends either.
 */
const MAX_NAME_LENGTH = 200

/** How often a document may ask for the schema: each time takes as long as a hundred other operations. */
const MAX_INTROSPECTIONS = 2

/**
 * Refuses a document that is over a limit, before it is validated: what this costs grows with the size of the document
 * only, fragments that spread each other in circles included.
 */
export function checkDocument(document: DocumentNode, limits: DocumentLimits): void {
  const { depth, rootFields, aliases, directives, fragments, introspections, valueDepth } = measure(document)
  atMost(limits.depth, depth, `nests fields ${depth} levels deep`)
  atMost(limits.rootFields, rootFields, `has ${rootFields} root fields in one operation`)
  atMost(limits.aliases, aliases, `has ${aliases} aliases`)
  atMost(limits.directives, directives, `has ${directives} directives`)
  atMost(limits.fragments, fragments, `has ${fragments} fragments`)
  atMost(MAX_INTROSPECTIONS, introspections, `asks for the schema ${introspections} times`)
  atMost(MAX_VALUE_DEPTH, valueDepth, `nests lists and objects ${valueDepth} levels deep in an argument`)
}

/** Whether a field tells the schema: by introspection, or as a federating gateway asks for it. */
export function isIntrospection({ name: { value } }: FieldNode): boolean {
  return value === '__schema' || value === '__type' || value === '_service'
}

/** Refuses text that is too long to be parsed. */
export function checkDocumentSize(text: string, { bytes }: DocumentLimits): void {
  const size = text.length > bytes ? text.length : Buffer.byteLength(text)
  atMost(bytes, size, `has ${size} bytes`)
}

function atMost(limit: number, value: number, what: string): void {
  if (value > limit) throw tooLarge(`${what}; at most ${limit} are allowed`)
}

export function tooLarge(what: string) {
  return clientError('DOCUMENT_TOO_LARGE', `The document ${what}.`)
}

interface Measures {
  /** Of the deepest field of any operation or fragment; a field of the root has 1. */
  depth: number
  /** Of the operation that has most of them, through fragments. */
  rootFields: number
  aliases: number
  directives: number
  fragments: number
  introspections: number
  valueDepth: number
}

function measure({ definitions }: DocumentNode): Measures {
  const bodies = new Map<string, SelectionSetNode>()
  const measured = new Map<string, { depth: number; fields: number }>()
  const counts = { aliases: 0, directives: 0, fragments: 0, introspections: 0, valueDepth: 0 }

  /** How deep a selection set goes, and how many fields it has at its top. Counts the parts of it on the way. */
  function selection({ selections }: SelectionSetNode, names = new Map<string, number>()) {
    let [depth, fields] = [0, 0]
    for (const node of selections) {
      counts.directives += node.directives?.length ?? 0
      node.directives?.forEach(checkTexts)
      if (node.kind === Kind.FIELD) {
        if (node.alias) counts.aliases++
        if (isIntrospection(node)) counts.introspections++
        for (const { value } of node.arguments ?? [])
          counts.valueDepth = Math.max(counts.valueDepth, depthOf(value))
        countName(node.alias?.value ?? node.name.value, names)
        fields++
        depth = Math.max(depth, 1 + (node.selectionSet ? selection(node.selectionSet).depth : 0))
      } else {
        const inner = spreadOf(node, names)
        fields += inner.fields
        depth = Math.max(depth, inner.depth)
      }
    }
    return { depth, fields }
  }

  function spreadOf(node: Exclude<SelectionNode, { kind: Kind.FIELD }>, names: Map<string, number>) {
    return node.kind === Kind.INLINE_FRAGMENT
      ? selection(node.selectionSet, names)
      : fragment(node.name.value)
  }

  function fragment(name: string) {
    const known = measured.get(name)
    if (known) return known
    // Until it is measured; a circle of fragments comes back here, and validation will refuse it.
    measured.set(name, { depth: 0, fields: 0 })
    const body = bodies.get(name)
    const size = body ? selection(body) : { depth: 0, fields: 0 }
    measured.set(name, size)
    return size
  }

  for (const definition of definitions) {
    if (definition.kind !== Kind.FRAGMENT_DEFINITION) continue
    counts.fragments++
    bodies.set(definition.name.value, definition.selectionSet)
  }
  const sizes = definitions.flatMap((definition) => {
    if (definition.kind === Kind.FRAGMENT_DEFINITION) {
      counts.directives += definition.directives?.length ?? 0
      return [{ depth: fragment(definition.name.value).depth, fields: 0 }]
    }
    if (definition.kind !== Kind.OPERATION_DEFINITION) return []
    counts.directives += definition.directives?.length ?? 0
    for (const { directives } of definition.variableDefinitions ?? [])
      counts.directives += directives?.length ?? 0
    return [selection(definition.selectionSet)]
  })
  return {
    ...counts,
    depth: Math.max(0, ...sizes.map(({ depth }) => depth)),
    rootFields: Math.max(0, ...sizes.map(({ fields }) => fields)),
  }
}

/** The label of a part is the only text that a directive on a selection has. */
function checkTexts({ name, arguments: given = [] }: DirectiveNode): void {
  for (const { value } of given) {
    if (value.kind !== Kind.STRING) continue
    const { length } = value.value
    atMost(MAX_NAME_LENGTH, length, `has a text of ${length} characters in @${name.value.slice(0, 20)}`)
  }
}

function depthOf(value: ValueNode): number {
  if (value.kind === Kind.LIST) return 1 + Math.max(0, ...value.values.map(depthOf))
  if (value.kind === Kind.OBJECT) return 1 + Math.max(0, ...value.fields.map((field) => depthOf(field.value)))
  return 0
}

function countName(name: string, names: Map<string, number>): void {
  atMost(MAX_NAME_LENGTH, name.length, `has a name of ${name.length} characters in its answer`)
  const count = (names.get(name) ?? 0) + 1
  names.set(name, count)
  if (count > MAX_REPETITIONS)
    throw tooLarge(`has ${JSON.stringify(name)} more than ${MAX_REPETITIONS} times in one selection set`)
}
