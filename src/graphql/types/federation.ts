import { GraphQLScalarType, Kind, type ValueNode } from 'graphql'
import type { Reads } from '../../reads/reads.ts'
import { builder, nodeTypeOf } from '../builder.ts'
import { badUserInput } from '../errors.ts'
import { costing, POINT } from '../hints.ts'
import { subgraphSdl } from '../subgraph-sdl.ts'
import { AutoSnapshotPolicy, AutoSnapshotRun, Disk, Snapshot } from './nodes.ts'

/** The most representations that `_entities` takes. */
const MAX_REPRESENTATIONS = 1_000

/** How each entity is read by its key, which is its id. */
const READ = {
  AutoSnapshotPolicy: (reads: Reads, id: string) => reads.policy(id),
  AutoSnapshotRun: (reads: Reads, id: string) => reads.run(id),
  Disk: (reads: Reads, id: string) => reads.disk(id),
  Snapshot: (reads: Reads, id: string) => reads.snapshot(id),
}

/** The types that other subgraphs can refer to, by their id. */
export const ENTITIES = Object.keys(READ) as (keyof typeof READ)[]

/** What another subgraph knows of an entity; its other fields are not looked at. */
interface Representation {
  typename: unknown
  id: unknown
}

const IS_OBJECT = 'A representation of an entity is an object with its __typename and id.'

builder.addScalarType(
  '_Any',
  new GraphQLScalarType<Representation, never>({
    name: '_Any',
    description:
      'A representation of an entity: an object with its `__typename` and `id`, as federating gateways send them.',
    parseValue(value) {
      if (typeof value !== 'object' || value === null || Array.isArray(value)) throw badUserInput(IS_OBJECT)
      const own = (name: string): unknown =>
        Object.hasOwn(value, name) ? (value as Record<string, unknown>)[name] : undefined
      return { typename: own('__typename'), id: own('id') }
    },
    parseLiteral(node, variables) {
      if (node.kind !== Kind.OBJECT) throw badUserInput(IS_OBJECT)
      const field = (name: string): unknown => {
        const value: ValueNode | undefined = node.fields.find((one) => one.name.value === name)?.value
        if (value?.kind === Kind.VARIABLE) return variables?.[value.name.value]
        return value?.kind === Kind.STRING ? value.value : undefined
      }
      return { typename: field('__typename'), id: field('id') }
    },
  }),
)

const Entity = builder.unionType('_Entity', {
  description: 'What other subgraphs of a federated graph can refer to: the types with `@key`.',
  types: [AutoSnapshotPolicy, AutoSnapshotRun, Disk, Snapshot],
  resolveType: ({ id }) => nodeTypeOf(id),
})

const Service = builder.objectRef<object>('_Service').implement({
  description: 'This gateway as a subgraph of a federated graph.',
  fields: (t) => ({
    sdl: t.string({
      ...costing(200 * POINT),
      description: 'Its schema with the directives of Apollo Federation 2, for composition.',
      resolve: (_service, _args, _context, { schema }) => subgraphSdl(schema, ENTITIES),
    }),
  }),
})

builder.queryFields((t) => ({
  _entities: t.field({
    type: [Entity],
    nullable: { list: false, items: true },
    description:
      'For federating gateways: the objects with these types and ids, in the same order; null for a representation that ' +
      `names no object of the account. At most ${MAX_REPRESENTATIONS} representations.`,
    args: {
      representations: t.arg({
        type: ['_Any'],
        required: true,
        description: 'What other subgraphs know of the objects.',
      }),
    },
    resolve: (_root, { representations }, { reads }) => {
      if (representations.length > MAX_REPRESENTATIONS)
        throw badUserInput(
          `representations has ${representations.length} entries; at most ${MAX_REPRESENTATIONS} are allowed.`,
        )
      return representations.map((one) => entityOf(one, reads))
    },
  }),
  _service: t.field({
    type: Service,
    description: 'For federating gateways: this subgraph. Available where introspection is.',
    resolve: () => ({}),
  }),
}))

function entityOf({ typename, id }: Representation, reads: Reads) {
  if (typeof id !== 'string') return null
  const type = ENTITIES.find((entity) => entity === typename)
  return type && nodeTypeOf(id) === type ? READ[type](reads, id) : null
}
