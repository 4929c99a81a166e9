import { CriticalityLevel, diff, type Change } from '@graphql-inspector/core'
import {
  buildASTSchema,
  GraphQLSchema,
  isInterfaceType,
  isObjectType,
  parse,
  visit,
  type DirectiveNode,
  type DocumentNode,
} from 'graphql'

/**
 * What a schema breaks of a released one, in sentences. Something that was released as deprecated may be removed, and with it
 * the types that nothing else leads to.
 */
export async function breakingChanges(released: string, current: string): Promise<string[]> {
  const before = parse(released)
  const now = buildASTSchema(parse(current))
  const kept = await breaking(leftOf(before), now)
  const paths = new Set(kept.map(({ path }) => path))
  const changes = await breaking(buildASTSchema(before), now)
  return changes
    .filter(({ type, path }) => !(type as string).endsWith('_REMOVED') || paths.has(path))
    .map(({ message }) => message)
}

async function breaking(before: GraphQLSchema, now: GraphQLSchema): Promise<Change[]> {
  const changes = await diff(before, now)
  return changes.filter(({ criticality }) => criticality.level === CriticalityLevel.Breaking)
}

/** What is left of a schema when all that is deprecated goes. */
function leftOf(document: DocumentNode): GraphQLSchema {
  const left = visit(document, {
    FieldDefinition: removed,
    InputValueDefinition: removed,
    EnumValueDefinition: removed,
  })
  const schema = buildASTSchema(left, { assumeValid: true })
  const roots = {
    query: schema.getQueryType(),
    mutation: schema.getMutationType(),
    subscription: schema.getSubscriptionType(),
    directives: schema.getDirectives(),
  }
  // Types that only an interface leads to have to be named.
  let reached = new GraphQLSchema(roots)
  for (let count = 0; count < Object.keys(reached.getTypeMap()).length;) {
    count = Object.keys(reached.getTypeMap()).length
    const interfaces = new Set(
      Object.values(reached.getTypeMap())
        .filter(isInterfaceType)
        .map(({ name }) => name),
    )
    const types = Object.values(schema.getTypeMap()).filter(
      (type) =>
        (isObjectType(type) || isInterfaceType(type)) &&
        type.getInterfaces().some(({ name }) => interfaces.has(name)),
    )
    reached = new GraphQLSchema({ ...roots, types })
  }
  return reached
}

function removed({ directives }: { directives?: readonly DirectiveNode[] | undefined }): null | undefined {
  return directives?.some(({ name }) => name.value === 'deprecated') ? null : undefined
}
