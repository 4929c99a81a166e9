import { isObjectType, Kind, type FieldNode, type GraphQLResolveInfo, type SelectionNode } from 'graphql'
import { columnsOf } from './hints.ts'

const known = new WeakMap<FieldNode, readonly string[] | null>()

/**
 * The columns that are read of the entries of a connection; undefined when they may be any. Reading a few of many is most of
 * what makes a long list cheap.
 */
export function columnsRead(info: GraphQLResolveInfo): readonly string[] | undefined {
  const [node] = info.fieldNodes
  if (!node || info.fieldNodes.length > 1) return undefined
  let columns = known.get(node)
  if (columns === undefined) known.set(node, (columns = columnsOfEntries(info, node) ?? null))
  return columns ?? undefined
}

function columnsOfEntries(info: GraphQLResolveInfo, connection: FieldNode): string[] | undefined {
  const fields = [
    ...selected(info, [connection], 'nodes'),
    ...selected(info, selected(info, [connection], 'edges'), 'node'),
  ].flatMap((entry) => selected(info, [entry]))
  const type = info.schema.getType(/^(\w+)Connection!?$/.exec(String(info.returnType))?.[1] ?? '')
  if (!isObjectType(type)) return undefined
  const columns = new Set<string>()
  for (const { name } of fields) {
    const field = type.getFields()[name.value]
    if (!field) continue
    const read = columnsOf(field)
    if (read === 'ALL') return undefined
    for (const column of read) columns.add(column)
  }
  return [...columns]
}

/** The fields selected in these, of one name or all, regardless of directives and type conditions. */
function selected(info: GraphQLResolveInfo, parents: readonly FieldNode[], name?: string): FieldNode[] {
  const fields: FieldNode[] = []
  const collect = (selections: readonly SelectionNode[] = []) => {
    for (const one of selections) {
      if (one.kind === Kind.FIELD) {
        if (name === undefined || one.name.value === name) fields.push(one)
      } else if (one.kind === Kind.INLINE_FRAGMENT) collect(one.selectionSet.selections)
      else collect(info.fragments[one.name.value]?.selectionSet.selections)
    }
  }
  for (const { selectionSet } of parents) collect(selectionSet?.selections)
  return fields
}
