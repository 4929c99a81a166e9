import SchemaBuilder from '@pothos/core'
import ErrorsPlugin from '@pothos/plugin-errors'
import RelayPlugin from '@pothos/plugin-relay'
import SimpleObjectsPlugin from '@pothos/plugin-simple-objects'
import ValidationPlugin from '@pothos/plugin-validation'
import { DateTimeResolver, SafeIntResolver } from 'graphql-scalars'
import { typeOfId } from '../domain/id.ts'
import type { Context } from './context.ts'
import { badUserInput } from './errors.ts'

export const builder = new SchemaBuilder<{
  Context: Context
  DefaultFieldNullability: false
  Connection: { totalCount: () => number; streamCursor: string }
  DefaultEdgesNullability: { list: false; items: false }
  DefaultNodeNullability: false
  Scalars: {
    ID: { Input: string; Output: string }
    DateTime: { Input: Date; Output: Date }
    SafeInt: { Input: number; Output: number }
  }
}>({
  plugins: [ErrorsPlugin, RelayPlugin, SimpleObjectsPlugin, ValidationPlugin],
  defaultFieldNullability: false,
  errors: { directResult: true, defaultTypes: [] },
  relay: {
    clientMutationId: 'omit',
    cursorType: 'String',
    nodesOnConnection: { description: 'The entries.' },
    idFieldOptions: { description: 'Global id: its prefix tells the type, `v-` a disk, `s-` a snapshot.' },
    nodeTypeOptions: { description: 'Something with a global id.' },
    edgesFieldOptions: {
      nullable: { list: false, items: false },
      description: 'The entries, each with its cursor.',
    },
    nodeFieldOptions: { nullable: false, description: 'The entry.' },
    cursorFieldOptions: { description: 'Where it stands in the list: pass it as `after` or `before`.' },
    pageInfoFieldOptions: { nullable: false, description: 'How to page on.' },
    pageInfoTypeOptions: { description: 'What lies before and behind a page.' },
    hasNextPageFieldOptions: { description: 'Whether there are entries behind this page.' },
    hasPreviousPageFieldOptions: { description: 'Whether there are entries before this page.' },
    startCursorFieldOptions: {
      nullable: true,
      description: 'The cursor of the first entry; null when there is none.',
    },
    endCursorFieldOptions: {
      nullable: true,
      description: 'The cursor of the last entry; null when there is none.',
    },
    firstArgOptions: {
      description: 'How many entries from the start, 0 to 100; 20 when neither `first` nor `last` is given.',
    },
    lastArgOptions: { description: 'How many entries from the end, 0 to 100.' },
    afterArgOptions: { description: 'Only what comes after this cursor.' },
    beforeArgOptions: { description: 'Only what comes before this cursor.' },
    defaultEdgeTypeOptions: { description: 'An entry of a list.' },
    encodeGlobalID: (_typename, id) => String(id),
    decodeGlobalID: (id) => {
      const typename = typeOfId(id)
      if (typename !== 'Disk' && typename !== 'Snapshot') {
        throw badUserInput(
          `${JSON.stringify(id.slice(0, 64))} is not the id of a disk or snapshot: those look like v-… or s-….`,
        )
      }
      return { typename, id }
    },
    nodeQueryOptions: {
      nullable: true,
      args: { id: { description: 'Its id.' } },
      description: 'The disk or snapshot with this id; null when there is none.',
    },
    nodesQueryOptions: {
      nullable: { list: false, items: true },
      args: { ids: { description: 'Their ids.' } },
      description:
        'The disks and snapshots with these ids, at most 100, in the same order; null for each that there is none of.',
      resolve: (_root, { ids }, _context, _info, resolveNodes) => {
        if (ids.length > 100)
          throw badUserInput(`ids has ${ids.length} entries; at most 100 may be asked for at once.`)
        return resolveNodes(ids)
      },
    },
  },
  validation: {
    validationError: ({ issues }) => badUserInput(issues.map(({ message }) => message).join(' ')),
  },
})

builder.queryType({ description: 'Reads. All of them are limited to the account of the viewer.' })
builder.mutationType({
  description:
    'Changes. What is understood and refused comes back as a member of the result union that implements `UserError`; ' +
    'malformed input and faults are top-level errors.',
})
builder.subscriptionType({
  description: 'Streams, over WebSocket (graphql-transport-ws) and server-sent events at the same endpoint.',
})
builder.addScalarType('DateTime', DateTimeResolver)
builder.addScalarType('SafeInt', SafeIntResolver)

builder.globalConnectionFields((t) => ({
  totalCount: t.int({
    description: 'How many entries the whole list has, with the filter applied; exact.',
    resolve: ({ totalCount }) => totalCount(),
  }),
  streamCursor: t.string({
    description:
      'Where in the transition log this page was read. Watching with `after: streamCursor` brings every ' +
      'transition that the page does not show yet, and none that it does.',
    resolve: ({ streamCursor }) => streamCursor,
  }),
}))
