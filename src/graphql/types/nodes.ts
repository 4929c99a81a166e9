import type {
  AutoSnapshotPolicy as PolicyRow,
  AutoSnapshotRun as RunRow,
  Disk as DiskRow,
  Snapshot as SnapshotRow,
} from '../../generated/prisma/client.ts'
import type { ShownConnection } from '../../services/connections.ts'
import { builder, nodeTypeOf } from '../builder.ts'
import { badUserInput } from '../errors.ts'
import { WAITS } from '../hints.ts'
import { hasRepetitions } from '../repetitions.ts'

/** The types that refer to one another, apart from what is in them. */
export const AutoSnapshotPolicy = builder.objectRef<PolicyRow>('AutoSnapshotPolicy')
export const AutoSnapshotRun = builder.objectRef<RunRow>('AutoSnapshotRun')
export const Connection = builder.objectRef<ShownConnection>('Connection')
export const Disk = builder.objectRef<DiskRow>('Disk')
export const Snapshot = builder.objectRef<SnapshotRow>('Snapshot')

/** The most ids that `nodes` takes. */
const MAX_IDS = 100

builder.queryField('nodes', (t) =>
  t.nodeList({
    ...WAITS,
    description:
      'The objects with these ids, in the same order; null for an id that is malformed or names no object of the ' +
      'account. At most 100 ids, each once.',
    args: { ids: t.arg.idList({ required: true, description: 'Their ids.' }) },
    ids: (_root, { ids }) => {
      if (ids.length > MAX_IDS)
        throw badUserInput(`ids has ${ids.length} entries; at most ${MAX_IDS} are allowed.`)
      if (hasRepetitions(ids)) throw badUserInput('ids must not contain an id twice.')
      return ids.map((id) => (nodeTypeOf(id) ? id : null))
    },
  }),
)
