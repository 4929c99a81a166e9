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
import { WAITS } from './hints.ts'
import { DateTime } from './date-time.ts'
import { badUserInput, clientError } from './errors.ts'

/** The types that `node` finds. */
const NODES: IdType[] = ['Disk', 'Snapshot', 'AutoSnapshotPolicy', 'AutoSnapshotRun', 'Connection']

/** The type of the node that an id names; undefined if it names none. */
export function nodeTypeOf(id: string): IdType | undefined {
  const type = typeOfId(id)
  return type && NODES.includes(type) ? type : undefined
}

/** The path of an argument, such as `input.region`, that an issue is about. */
function placeOf({
  path = [],
}: {
  path?: readonly (PropertyKey | { key: PropertyKey })[] | undefined
}): string {
  return path.map((step) => String(typeof step === 'object' ? step.key : step)).join('.')
}

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
    _Any: { Input: { typename: unknown; id: unknown }; Output: never }
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
      description:
        'Global id. Its prefix is the type: `v-` disk, `s-` snapshot, `asp-` policy, `asr-` policy run, `con-` connection to a cloud.',
    },
    nodeTypeOptions: { description: 'An object with a global id.' },
    edgesFieldOptions: {
      nullable: { list: false, items: false },
      description: 'The entries, each with its cursor.',
    },
    nodeFieldOptions: { nullable: false, description: 'The entry.' },
    cursorFieldOptions: { description: 'Position in the list, for `after` or `before`.' },
    pageInfoFieldOptions: {
      nullable: false,
      description: 'Cursors and flags for the next and previous page.',
    },
    pageInfoTypeOptions: {
      description: 'Cursors of a page, and whether there are entries before and after it.',
    },
    hasNextPageFieldOptions: { description: 'Whether the list has entries after this page.' },
    hasPreviousPageFieldOptions: { description: 'Whether the list has entries before this page.' },
    startCursorFieldOptions: {
      nullable: true,
      description: 'The cursor of the first entry; null if the page is empty.',
    },
    endCursorFieldOptions: {
      nullable: true,
      description: 'The cursor of the last entry; null if the page is empty.',
    },
    firstArgOptions: {
      description: 'Number of entries from the start, 0–100. Default: 20, unless `last` is given.',
    },
    lastArgOptions: { description: 'Number of entries from the end, 0–100.' },
    afterArgOptions: { description: 'Return entries after this cursor.' },
    beforeArgOptions: { description: 'Return entries before this cursor.' },
    defaultEdgeTypeOptions: { description: 'An entry of a list.' },
    encodeGlobalID: (_typename, id) => String(id),
    decodeGlobalID: (id) => {
      const typename = nodeTypeOf(id)
      if (typename !== undefined) return { typename, id }
      const prefixes = NODES.map((node) => `${ID_PREFIXES[node]}-…`).join(', ')
      throw badUserInput(`${quoted(id)} is not a node id. Node ids look like ${prefixes}.`)
    },
    nodeQueryOptions: {
      ...WAITS,
      nullable: true,
      args: { id: { description: 'Its id.' } },
      description: 'The object with this id; null if there is none.',
    },
    // nodes.ts has one that answers null for what is not a node id.
    nodesQueryOptions: false,
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
        `${fieldName} requires the role ${needed}; this credential has ${viewer.role}.`,
      )
    },
  },
  validation: {
    validationError: ({ issues }) =>
      badUserInput(issues.map(({ message }) => message).join(' '), {
        arguments: [...new Set(issues.map(placeOf))],
      }),
  },
})

builder.queryType({ description: "Queries. Each is limited to the viewer's account." })
builder.mutationType({
  description:
    'Mutations. A refusal is a member of the result union that implements `UserError`. Malformed input and ' +
    'faults are top-level errors.',
})
builder.subscriptionType({
  description:
    'Subscriptions, over WebSocket (graphql-transport-ws) and server-sent events at the same endpoint.',
})
builder.addScalarType('DateTime', DateTime)
builder.addScalarType('SafeInt', SafeIntResolver)

builder.globalConnectionFields((t) => ({
  totalCount: t.int({
    description: 'Exact number of entries in the whole list, with the filter applied.',
    resolve: ({ totalCount }) => totalCount(),
  }),
  streamCursor: t.string({
    description:
      'Position in the transition log at which this page was read. A subscription with `after: streamCursor` ' +
      'sends every transition that the page does not show, and none that it does.',
    resolve: ({ streamCursor }) => streamCursor,
  }),
}))
