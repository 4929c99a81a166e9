import type { TypedDocumentNode } from 'urql'
import { graphql, type ResultOf } from '../api/graphql.ts'
import { REASON } from '../api/reasons.ts'
import type { Tag } from '../api/snapshot.ts'
import { tagText } from '../widgets/tag-list.tsx'
import type { TableName } from '../widgets/table-view.ts'
import type { Words } from '../words/en.ts'
import type { ReportWords } from '../words/reports.ts'
import type { Cell } from './csv.ts'
import type { PageOf } from './read-pages.ts'

/** A heading, and what a row has below it. Times are in ISO 8601, in UTC; sizes are numbers. */
type Column<Row> = [heading: string, cell: (row: Row) => Cell]

/** A list that can be exported: how it is read, and its columns. */
interface ExportedList {
  document: TypedDocumentNode<unknown, never>
  listOf: (data: unknown) => PageOf<unknown>
  columns: (words: Words, reports: ReportWords) => Column<unknown>[]
}

function exported<Data, Variables, Row>(
  document: TypedDocumentNode<Data, Variables>,
  listOf: (data: Data) => PageOf<Row>,
  columns: (words: Words, reports: ReportWords) => Column<Row>[],
): ExportedList {
  return { document, listOf, columns } as unknown as ExportedList
}

const tagsIn = (tags: readonly Tag[]) => tags.map(tagText).join('; ')

const EXPORTED_DISK = graphql(
  `
    fragment ExportedDisk on Disk {
      id
      name
      description
      kind
      status
      statusReason
      statusReasons {
        ...Reason
      }
      provider
      connection {
        name
      }
      sizeGiB
      storageType
      zone
      createdAt
      attachment {
        instanceId
        device
      }
      tags {
        key
        value
      }
      snapshotQuota {
        manual {
          used
        }
        automatic {
          used
        }
      }
      autoSnapshotPolicy {
        name
      }
    }
  `,
  [REASON],
)

const diskColumns = (words: Words): Column<ResultOf<typeof EXPORTED_DISK>>[] => [
  ['ID', ({ id }) => id],
  [words.name, ({ name }) => name],
  [words.description, ({ description }) => description],
  [words.status, ({ status }) => words.diskStatus[status]],
  [
    words.exporting.reason,
    ({ statusReason, statusReasons }) =>
      statusReason === null ? null : words.reason(statusReason, statusReasons),
  ],
  [words.kind, ({ kind }) => words.diskKind[kind]],
  [words.filters.names.provider, ({ provider }) => words.provider[provider]],
  [words.connection, ({ connection }) => connection?.name ?? null],
  [words.storageType, ({ storageType }) => storageType],
  [words.zone, ({ zone }) => zone],
  [words.exporting.sizeGiB, ({ sizeGiB }) => sizeGiB],
  [
    words.attachment,
    ({ attachment }) => attachment && words.attachedAs(attachment.instanceId, attachment.device),
  ],
  [words.manualQuota, ({ snapshotQuota }) => snapshotQuota.manual.used],
  [words.automaticQuota, ({ snapshotQuota }) => snapshotQuota.automatic.used],
  [words.policy.title, ({ autoSnapshotPolicy }) => autoSnapshotPolicy?.name ?? null],
  [words.tags, ({ tags }) => tagsIn(tags)],
  [words.created, ({ createdAt }) => createdAt],
]

const disks = exported(
  graphql(
    `
      query ExportDisks($first: Int, $after: String, $filter: DiskFilter, $orderBy: DiskOrder) {
        disks(first: $first, after: $after, filter: $filter, orderBy: $orderBy) {
          pageInfo {
            endCursor
            hasNextPage
          }
          nodes {
            ...ExportedDisk
          }
        }
      }
    `,
    [EXPORTED_DISK],
  ),
  (data) => data.disks,
  diskColumns,
)

const EXPORTED_SNAPSHOT = graphql(
  `
    fragment ExportedSnapshot on Snapshot {
      id
      name
      description
      type
      origin
      provider
      connection {
        name
      }
      status
      failureReason
      failureReasons {
        ...Reason
      }
      diskKind
      sizeGiB
      dataBytes
      createdAt
      completedAt
      expiresAt
      tags {
        key
        value
      }
      disk {
        id
        name
      }
    }
  `,
  [REASON],
)

const snapshotColumns = (words: Words): Column<ResultOf<typeof EXPORTED_SNAPSHOT>>[] => [
  ['ID', ({ id }) => id],
  [words.name, ({ name }) => name],
  [words.description, ({ description }) => description],
  [words.status, ({ status }) => words.snapshotStatus[status]],
  [
    words.exporting.reason,
    ({ failureReason, failureReasons }) =>
      failureReason === null ? null : words.reason(failureReason, failureReasons),
  ],
  [words.sourceDisk, ({ disk }) => disk?.name ?? words.released],
  [words.exporting.diskId, ({ disk }) => disk?.id ?? null],
  [words.kind, ({ diskKind }) => words.diskKind[diskKind]],
  [words.method, ({ type }) => words.snapshotType[type]],
  [words.filters.names.origin, ({ origin }) => words.snapshotOrigin[origin]],
  [words.filters.names.provider, ({ provider }) => words.provider[provider]],
  [words.connection, ({ connection }) => connection?.name ?? null],
  [words.exporting.sizeGiB, ({ sizeGiB }) => sizeGiB],
  [words.exporting.dataBytes, ({ dataBytes }) => dataBytes],
  [words.tags, ({ tags }) => tagsIn(tags)],
  [words.created, ({ createdAt }) => createdAt],
  [words.exporting.completed, ({ completedAt }) => completedAt],
  [words.filters.names.expires, ({ expiresAt }) => expiresAt],
]

const snapshots = exported(
  graphql(
    `
      query ExportSnapshots($first: Int, $after: String, $filter: SnapshotFilter, $orderBy: SnapshotOrder) {
        snapshots(first: $first, after: $after, filter: $filter, orderBy: $orderBy) {
          pageInfo {
            endCursor
            hasNextPage
          }
          nodes {
            ...ExportedSnapshot
          }
        }
      }
    `,
    [EXPORTED_SNAPSHOT],
  ),
  (data) => data.snapshots,
  snapshotColumns,
)

/** What is exported of something that is no longer there. */
const NOTHING = { pageInfo: { endCursor: null, hasNextPage: false }, nodes: [] }

const snapshotsOfDisk = exported(
  graphql(
    `
      query ExportSnapshotsOfDisk($id: ID!, $first: Int, $after: String, $orderBy: SnapshotOrder) {
        disk(id: $id) {
          snapshots(first: $first, after: $after, orderBy: $orderBy) {
            pageInfo {
              endCursor
              hasNextPage
            }
            nodes {
              ...ExportedSnapshot
            }
          }
        }
      }
    `,
    [EXPORTED_SNAPSHOT],
  ),
  (data) => data.disk?.snapshots ?? NOTHING,
  snapshotColumns,
)

const disksOfPolicy = exported(
  graphql(
    `
      query ExportDisksOfPolicy($id: ID!, $first: Int, $after: String, $orderBy: DiskOrder) {
        autoSnapshotPolicy(id: $id) {
          disks(first: $first, after: $after, orderBy: $orderBy) {
            pageInfo {
              endCursor
              hasNextPage
            }
            nodes {
              ...ExportedDisk
            }
          }
        }
      }
    `,
    [EXPORTED_DISK],
  ),
  (data) => data.autoSnapshotPolicy?.disks ?? NOTHING,
  diskColumns,
)

const connections = exported(
  graphql(
    `
      query ExportConnections($first: Int, $after: String, $filter: ConnectionFilter) {
        connections(first: $first, after: $after, filter: $filter) {
          pageInfo {
            endCursor
            hasNextPage
          }
          nodes {
            id
            name
            provider
            region
            endpoint
            state
            stateReason
            stateReasons {
              ...Reason
            }
            stateSince
            syncedAt
            createdAt
          }
        }
      }
    `,
    [REASON],
  ),
  (data) => data.connections,
  (words) => [
    ['ID', ({ id }) => id],
    [words.name, ({ name }) => name],
    [words.status, ({ state }) => words.connectionState[state]],
    [
      words.exporting.reason,
      ({ stateReason, stateReasons }) =>
        stateReason === null ? null : words.reason(stateReason, stateReasons),
    ],
    [words.exporting.since, ({ stateSince }) => stateSince],
    [words.filters.names.provider, ({ provider }) => words.provider[provider]],
    [words.exporting.region, ({ region }) => region],
    [words.exporting.endpoint, ({ endpoint }) => endpoint],
    [words.exporting.synced, ({ syncedAt }) => syncedAt],
    [words.created, ({ createdAt }) => createdAt],
  ],
)

const policies = exported(
  graphql(`
    query ExportPolicies($first: Int, $after: String) {
      autoSnapshotPolicies(first: $first, after: $after) {
        pageInfo {
          endCursor
          hasNextPage
        }
        nodes {
          id
          name
          timePoints
          repeatWeekdays
          timeZone
          retentionDays
          nextRuns
          disks(first: 0) {
            totalCount
          }
          lastRun {
            id
            scheduledFor
            outcome
          }
        }
      }
    }
  `),
  (data) => data.autoSnapshotPolicies,
  (words) => [
    ['ID', ({ id }) => id],
    [words.name, ({ name }) => name],
    [words.exporting.hours, ({ timePoints }) => timePoints.join(' ')],
    [words.exporting.weekdays, ({ repeatWeekdays }) => repeatWeekdays.join(' ')],
    [words.policy.timeZone, ({ timeZone }) => timeZone],
    [
      words.policy.retention,
      ({ retentionDays }) =>
        retentionDays < 0 ? words.policy.keptForever : words.policy.keptDays(retentionDays),
    ],
    [words.policy.linkedDisks, ({ disks: linked }) => linked.totalCount],
    [words.policy.nextRun, ({ nextRuns }) => nextRuns[0] ?? null],
    [words.policy.lastRun, ({ lastRun }) => lastRun?.scheduledFor ?? null],
    [words.dialog.result, ({ lastRun }) => lastRun && words.policy.runOutcome[lastRun.outcome]],
  ],
)

const tokens = exported(
  graphql(`
    query ExportTokens($first: Int, $after: String) {
      apiTokens(first: $first, after: $after) {
        pageInfo {
          endCursor
          hasNextPage
        }
        nodes {
          id
          name
          role
          createdAt
          expiresAt
          lastUsedAt
          revokedAt
        }
      }
    }
  `),
  (data) => data.apiTokens,
  (words) => [
    ['ID', ({ id }) => id],
    [words.name, ({ name }) => name],
    [words.access.roleOf, ({ role }) => words.viewer.role[role]],
    [words.created, ({ createdAt }) => createdAt],
    [words.access.expires, ({ expiresAt }) => expiresAt],
    [words.access.lastUsed, ({ lastUsedAt }) => lastUsedAt],
    [words.access.status.revoked, ({ revokedAt }) => revokedAt],
  ],
)

const activity = exported(
  graphql(
    `
      query ExportActivity($first: Int, $after: String, $filter: ActivityFilter) {
        activity(first: $first, after: $after, filter: $filter) {
          pageInfo {
            endCursor
            hasNextPage
          }
          nodes {
            at
            action
            result
            reason
            reasons {
              ...Reason
            }
            endedAt
            subjectId
            subjectName
            actor {
              kind
              actorId
              name
              requestId
            }
            clientAddress
          }
        }
      }
    `,
    [REASON],
  ),
  (data) => data.activity,
  (words, reports) => [
    [reports.activity.when, ({ at }) => at],
    [reports.activity.what, ({ action }) => reports.action[action]],
    [reports.activity.subject, ({ subjectName }) => subjectName],
    [words.exporting.subjectId, ({ subjectId }) => subjectId],
    [reports.activity.who, ({ actor }) => [reports.actor[actor.kind], actor.name ?? ''].join(' ').trim()],
    [words.exporting.actorId, ({ actor }) => actor.actorId],
    [reports.activity.from, ({ clientAddress }) => clientAddress],
    [reports.activity.result, ({ result }) => reports.result[result]],
    [
      words.exporting.reason,
      ({ reason, reasons }) => (reason === null ? null : words.reason(reason, reasons)),
    ],
    [words.exporting.completed, ({ endedAt }) => endedAt],
    [reports.activity.requestId, ({ actor }) => actor.requestId],
  ],
)

/** How each list is exported; its name is in that of the file. */
export const LISTS: Record<TableName, ExportedList> = {
  disks,
  snapshots,
  policies,
  tokens,
  activity,
  connections,
  'disk-snapshots': snapshotsOfDisk,
  'policy-disks': disksOfPolicy,
}
