import SchemaBuilder from '@pothos/core'
import ErrorsPlugin from '@pothos/plugin-errors'
import RelayPlugin from '@pothos/plugin-relay'
import ScopeAuthPlugin from '@pothos/plugin-scope-auth'
import SimpleObjectsPlugin from '@pothos/plugin-simple-objects'
import ValidationPlugin from '@pothos/plugin-validation'
import { SafeIntResolver } from 'graphql-scalars'
import { quoted } from '../domain/echo.ts'
import { ID_PREFIXES, typeOfId, type IdType } from '../domain/id.ts'
import { may, PERMISSIONS, type Permission } from '../domain/role.ts'
import type { Context } from './context.ts'
import { WAITS } from './projection.ts'
import { DateTime } from './date-time.ts'
import { badUserInput, clientError } from './errors.ts'
import { hasRepetitions } from './repetitions.ts'

/** The types that `node` finds. */
const NODES: IdType[] = ['Disk', 'Snapshot', 'AutoSnapshotPolicy', 'AutoSnapshotRun']

export const builder = new SchemaBuilder<{
  Context: Context
  AuthScopes: { may: Permission }
  DefaultFieldNullability: false
  Connection: { totalCount: () => number | Promise<number>; streamCursor: string }
  DefaultEdgesNullability: { list: false; items: false }
  DefaultNodeNullability: false
  Scalars: {
    ID: { Input: string; Output: string }
    DateTime: { Input: Date; Output: Date }
    SafeInt: { Input: number; Output: number }
  }
}>({
  plugins: [ErrorsPlugin, ScopeAuthPlugin, RelayPlugin, SimpleObjectsPlugin, ValidationPlugin],
  defaultFieldNullability: false,
  errors: { directResult: true, defaultTypes: [] },
  relay: {
    clientMutationId: 'omit',
    cursorType: 'String',
    nodesOnConnection: { description: 'The entries.' },
    idFieldOptions: {
      description: 'Global id: its prefix tells the type, such as `v-` a disk, `s-` a snapshot.',
    },
    nodeTypeOptions: { description: 'Something with a global id.' },
    edgesFieldOptions: {
      nullable: { list: false, items: false },
      description: 'The entries, each with its cursor.',
    },
    nodeFieldOptions: { nullable: false, description: 'The entry.' },
    cursorFieldOptions: { description: 'Where it stands in the list: pass it as `after` or `before`.' },
    pageInfoFieldOptions: { nullable: false, description: 'How to page on.' },
    pageInfoTypeOptions: { description: 'What lies before and behind a page.' },
    hasNextPageFieldOptions: { description: 'Whether the list has entries after this page.' },
    hasPreviousPageFieldOptions: { description: 'Whether the list has entries before this page.' },
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
      if (typename === undefined || !NODES.includes(typename)) {
        const prefixes = NODES.map((node) => `${ID_PREFIXES[node]}-…`).join(', ')
        throw badUserInput(`${quoted(id)} is not the id of a node. Those look like ${prefixes}.`)
      }
      return { typename, id }
    },
    nodeQueryOptions: {
      extensions: WAITS,
      nullable: true,
      args: { id: { description: 'Its id.' } },
      description: 'Whatever has this id; null when nothing has.',
    },
    nodesQueryOptions: {
      extensions: WAITS,
      nullable: { list: false, items: true },
      args: { ids: { description: 'Their ids.' } },
      description:
        'What has these ids, at most 100, each once, in the same order; null for each that nothing has.',
      resolve: (_root, { ids }, _context, _info, resolveNodes) => {
        if (ids.length > 100)
          throw badUserInput(`ids has ${ids.length} entries; at most 100 may be asked for at once.`)
        if (hasRepetitions(ids.map(({ id }) => id))) throw badUserInput('ids must have each id once.')
        return resolveNodes(ids)
      },
    },
  },
  scopeAuth: {
    authScopes: ({ viewer }) => ({ may: (permission) => may(viewer.role, permission) }),
    unauthorizedError: (_parent, { viewer }, { fieldName }, { failure }) => {
      const [first] = 'failures' in failure ? failure.failures : [failure]
      if (!first || !('parameter' in first))
        throw new Error(`${fieldName} has a scope that is no permission.`)
      const needed = PERMISSIONS[first.parameter as Permission]
      return clientError(
        'FORBIDDEN',
        `${fieldName} takes the role ${needed}; this credential has ${viewer.role}. Use a credential with that role.`,
      )
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
builder.addScalarType('DateTime', DateTime)
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
