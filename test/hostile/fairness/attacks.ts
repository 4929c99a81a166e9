import {
  bulkDisk,
  bulkSnapshot,
  FULL_DISKS,
  fullDisk,
  LARGE_POLICIES,
  largePolicy,
  LINKED_DISKS,
  LINKED_POLICY,
  linkedDisk,
  REAL_DISKS,
  realDisk,
} from './world.ts'

/** How many disks are linked by one operation, in each of five attempts, and unlinked by one of two. */
const LINKED_TOGETHER = LINKED_DISKS / 5
const UNLINKED_TOGETHER = LINKED_DISKS / 10

/** An operation over HTTP. */
interface Operation {
  query: string
  variables?: Record<string, unknown>
}

/** A flood of operations: each once, or again and again, as fast as that many connections take them. */
export interface Attack {
  name: string
  over: 'HTTP' | 'SSE' | 'WebSocket'
  operation: (index: number) => Operation
  /** How many different ones there are for all attempts together; as many as the budget allows when left out. */
  count?: number
  connections: number
  /** What an answer is when the work was done that the attack is for: `ok`, `opened`, or the codes of errors that come after it. */
  outcomes: readonly string[]
  /** How many such answers there are at least. */
  least: number
}

const times = <T>(count: number, make: (index: number) => T): T[] =>
  Array.from({ length: count }, (_, index) => make(index))
const DISK_FIELDS =
  'id name description kind status statusReason sizeBytes sizeGiB storageType zone createdAt tags { key value } ' +
  'snapshotQuota { manual { used limit } automatic { used limit } }'
const SNAPSHOT_FIELDS =
  'id name description type status sizeBytes sizeGiB dataBytes consistency checksum createdAt completedAt dataAt expiresAt ' +
  'failureReason retentionDays progress stallReason verifiedAt tags { key value } transitions { to at reason }'
const ELIGIBILITIES =
  'createDiskEligibility { allowed refusals { code message } } deleteEligibility { allowed refusals { code message } } ' +
  'rollBackEligibility { allowed refusals { code message } } verifyEligibility { allowed refusals { code message } } ' +
  'updateEligibility { allowed refusals { code message } }'
const DISK_ELIGIBILITIES = [
  'attach',
  'detach',
  'release',
  'resize',
  'rollBack',
  'snapshot',
  'update',
  'autoSnapshotPolicy',
]
  .map((name) => `${name}Eligibility { allowed refusals { code message } }`)
  .join(' ')
const aliases = (count: number, field: string) => times(count, (index) => `a${index}: ${field}`).join(' ')
const unknownFields = (count: number) => Object.fromEntries(times(count, (index) => [`u${index}`, 1]))

/** The same operation each time, or with a comment that makes each document another one, which no cache has. */
const same = (query: string) => () => ({ query })
const cold = (query: string) => (index: number) => ({ query: `# ${index}\n${query}` })

const CREATE_MANY = `mutation ($ids: [ID!]!) { createSnapshots(input: { diskIds: $ids, name: "attack" }) {
  ... on CreateSnapshotsPayload { items { __typename } } ... on UserError { code } } }`
const DELETE_MANY = `mutation ($ids: [ID!]!) { deleteSnapshots(input: { snapshotIds: $ids }) {
  ... on DeleteSnapshotsPayload { items { __typename } } } }`
const RELEASE = `mutation ($id: ID!) { releaseDisk(input: { diskId: $id, withSnapshots: true }) {
  ... on ReleaseDiskPayload { disk { status } } ... on UserError { code } } }`
const DELETE_POLICY = `mutation ($id: ID!) { deleteAutoSnapshotPolicy(input: { policyId: $id }) {
  ... on DeleteAutoSnapshotPolicyPayload { policyId } ... on UserError { code } } }`
const UNLINK = `mutation ($policyId: ID!, $diskIds: [ID!]!) {
  unlinkAutoSnapshotPolicy(input: { policyId: $policyId, diskIds: $diskIds, deleteSnapshots: true }) {
    ... on UnlinkAutoSnapshotPolicyPayload { results { disk { id } } } ... on UserError { code } } }`
const LINK = `mutation ($policyId: ID!, $diskIds: [ID!]!) {
  linkAutoSnapshotPolicy(input: { policyId: $policyId, diskIds: $diskIds }) {
    ... on LinkAutoSnapshotPolicyPayload { results { disk { id } } } ... on UserError { code } } }`

/** A document of about as many tokens and bytes as one may have. */
const large = (index: number) =>
  `# ${index} ${'x'.repeat(24_000)}\n{ ${times(19, (n) => `b${n}: snapshot(id: "${bulkSnapshot(index * 19 + n)}") { ${SNAPSHOT_FIELDS} disk { id name } }`).join(' ')} }`
/** As many different fragments as there may be, with all that validation compares. */
const overlapping = (index: number) =>
  `# ${index}\n{ snapshots(first: 1) { nodes { ${times(40, (n) => `...F${n}`).join(' ')} } } } ${times(40, (n) => `fragment F${n} on Snapshot { ${times(12, (m) => ['id', 'name', 'status', 'type', 'createdAt', 'sizeGiB', 'description', 'checksum', 'dataAt', 'progress', 'expiresAt', 'consistency'][m] ?? 'id').join(' ')} }`).join(' ')}`
const deep = (index: number) =>
  `# ${index}\n{ disks(first: 20, after: null) { nodes { snapshots(first: 10) { nodes { disk { snapshots(first: 2) { nodes { disk { snapshots(first: 2) { nodes { disk { id name } } } } } } } } } } } }`
const INTROSPECTION =
  '{ __schema { types { name kind description fields { name description args { name description type { name kind ofType { name kind ofType { name kind ofType { name kind } } } } } type { name kind ofType { name kind ofType { name kind ofType { name } } } } } inputFields { name description type { name kind ofType { name kind ofType { name kind } } } } enumValues { name description } possibleTypes { name } interfaces { name } } directives { name args { name } } } }'

const TEN_THOUSANDS = 15_000
const FILTERED = 'query ($filter: SnapshotFilter) { snapshots(first: 1, filter: $filter) { nodes { id } } }'
const WATCH = 'subscription { snapshotTransitions { to snapshot { name description } } }'
const WATCH_FILTERED =
  'subscription ($filter: SnapshotTransitionFilter) { snapshotTransitions(filter: $filter) { to } }'

const ok = { outcomes: ['ok'], over: 'HTTP' } as const

export const ATTACKS: readonly Attack[] = [
  {
    ...ok,
    name: 'lists of 100 with all fields',
    connections: 16,
    least: 8,
    operation: same(`{ snapshots(first: 60) { nodes { ${SNAPSHOT_FIELDS} } } }`),
  },
  {
    ...ok,
    name: 'lists of 100 with all fields, of documents never seen before',
    connections: 16,
    least: 8,
    operation: cold(`{ snapshots(first: 60) { nodes { ${SNAPSHOT_FIELDS} } } }`),
  },
  {
    ...ok,
    name: '48 aliases of a long text',
    connections: 16,
    least: 8,
    operation: same(`{ snapshots(first: 40) { nodes { ${aliases(48, 'description')} } } }`),
  },
  {
    ...ok,
    name: '48 aliases of a long text, of documents never seen before',
    connections: 16,
    least: 8,
    operation: cold(`{ snapshots(first: 40) { nodes { ${aliases(48, 'description')} } } }`),
  },
  {
    ...ok,
    name: 'pages in pages',
    connections: 16,
    least: 8,
    operation: same(
      '{ snapshots(first: 100) { nodes { disk { snapshots(first: 20) { nodes { id name status type createdAt } } } } } }',
    ),
  },
  {
    ...ok,
    name: 'pages in pages, of documents never seen before',
    connections: 16,
    least: 8,
    operation: cold(
      '{ snapshots(first: 100) { nodes { disk { snapshots(first: 20) { nodes { id name status type createdAt } } } } } }',
    ),
  },
  { ...ok, name: 'deep nesting', connections: 16, least: 8, operation: (index) => ({ query: deep(index) }) },
  {
    ...ok,
    name: 'every eligibility of snapshots',
    connections: 16,
    least: 8,
    operation: cold(`{ snapshots(first: 100) { nodes { ${ELIGIBILITIES} } } }`),
  },
  {
    ...ok,
    name: 'every eligibility of disks',
    connections: 16,
    least: 8,
    operation: same(`{ disks(first: 100) { nodes { ${DISK_FIELDS} ${DISK_ELIGIBILITIES} } } }`),
  },
  {
    ...ok,
    name: 'policies of disks of policies with their next runs',
    connections: 16,
    least: 8,
    operation: cold(
      `{ autoSnapshotPolicies(first: 2) { nodes { disks(first: 10) { nodes { autoSnapshotPolicy { disks(first: 5) { nodes { autoSnapshotPolicy { ${aliases(6, 'nextRuns')} } } } } } } } } }`,
    ),
  },
  {
    ...ok,
    name: 'searches with their totals',
    connections: 16,
    least: 1,
    outcomes: ['ok', 'OPERATION_TIMEOUT'],
    operation: (index) => ({
      query: `{ snapshots(first: 10, filter: { name: { contains: "none${index}" } }) { totalCount nodes { id } } }`,
    }),
  },
  {
    ...ok,
    name: 'many searches in one operation',
    connections: 16,
    least: 1,
    outcomes: ['ok', 'OPERATION_TIMEOUT'],
    operation: (index) => ({
      query: `{ ${times(19, (n) => `a${n}: snapshots(first: 1, filter: { search: "none${index}-${n}" }) { totalCount nodes { id } }`).join(' ')} }`,
    }),
  },
  {
    ...ok,
    name: 'lists of ids',
    connections: 16,
    least: 8,
    operation: (index) => ({
      query: `query ($ids: [ID!]!) { nodes(ids: $ids) { id ... on Snapshot { name description status disk { name } } ... on Disk { kind zone } } }`,
      variables: {
        ids: times(100, (n) => (n % 2 ? bulkSnapshot(index * 80 + n) : bulkDisk(index * 80 + n))),
      },
    }),
  },
  {
    ...ok,
    name: 'totals of lists of more than 20,000',
    connections: 16,
    least: 1,
    outcomes: ['ok', 'OPERATION_TIMEOUT'],
    operation: cold(
      `{ ${times(19, (n) => `a${n}: disks(first: 1, filter: { status: { in: [EXPIRED, ERROR] } }) { totalCount }`).join(' ')} }`,
    ),
  },
  {
    ...ok,
    name: 'documents as large as they may be',
    connections: 16,
    least: 8,
    operation: (index) => ({ query: large(index) }),
  },
  {
    ...ok,
    name: 'documents of overlapping fragments',
    connections: 16,
    least: 8,
    operation: (index) => ({ query: overlapping(index) }),
  },
  { ...ok, name: 'introspections', connections: 16, least: 5, operation: cold(INTROSPECTION) },
  {
    ...ok,
    name: '15,000 unknown fields',
    connections: 16,
    least: 8,
    outcomes: ['BAD_USER_INPUT'],
    operation: () => ({ query: FILTERED, variables: { filter: unknownFields(TEN_THOUSANDS) } }),
  },
  {
    ...ok,
    name: '15,000 unknown fields, of documents never seen before',
    connections: 16,
    least: 8,
    outcomes: ['BAD_USER_INPUT'],
    operation: (index) => ({
      query: `# ${index}\n${FILTERED}`,
      variables: { filter: unknownFields(TEN_THOUSANDS) },
    }),
  },
  {
    ...ok,
    name: '15,000 unknown fields over SSE',
    over: 'SSE',
    connections: 16,
    least: 8,
    outcomes: ['BAD_USER_INPUT'],
    operation: () => ({ query: WATCH_FILTERED, variables: { filter: unknownFields(TEN_THOUSANDS) } }),
  },
  {
    ...ok,
    name: '15,000 unknown fields over WebSocket',
    over: 'WebSocket',
    connections: 8,
    least: 8,
    outcomes: ['BAD_USER_INPUT'],
    operation: () => ({ query: WATCH_FILTERED, variables: { filter: unknownFields(TEN_THOUSANDS) } }),
  },
  {
    ...ok,
    name: '15,000 values in a list',
    connections: 16,
    least: 8,
    outcomes: ['COST_LIMIT_EXCEEDED'],
    operation: () => ({
      query: FILTERED,
      variables: { filter: { name: { in: times(TEN_THOUSANDS, (n) => `a${n}`) } } },
    }),
  },
  {
    ...ok,
    name: 'subscriptions that open and close',
    over: 'WebSocket',
    connections: 8,
    least: 8,
    outcomes: ['opened'],
    operation: () => ({ query: WATCH }),
  },
  {
    ...ok,
    name: 'wrong documents over WebSocket',
    over: 'WebSocket',
    connections: 8,
    least: 8,
    outcomes: ['GRAPHQL_VALIDATION_FAILED'],
    operation: (index) => ({
      query: `{ disks { nodes { ${times(100, (n) => `wrong${index}x${n}`).join(' ')} } } }`,
    }),
  },
  {
    ...ok,
    name: 'snapshots of 50 disks',
    connections: 4,
    least: 2,
    count: 12,
    operation: (index) => ({
      query: CREATE_MANY,
      variables: { ids: times(50, (n) => realDisk('attacker', (index * 50 + n) % REAL_DISKS.attacker)) },
    }),
  },
  {
    ...ok,
    name: 'policies with 2,000 disks deleted',
    connections: 4,
    least: 4,
    count: LARGE_POLICIES,
    operation: (index) => ({ query: DELETE_POLICY, variables: { id: largePolicy(index) } }),
  },
  {
    ...ok,
    name: 'disks unlinked and their snapshots deleted',
    connections: 4,
    least: 2,
    count: 10,
    operation: (index) => ({
      query: UNLINK,
      variables: {
        policyId: LINKED_POLICY,
        diskIds: times(UNLINKED_TOGETHER, (n) => linkedDisk(index * UNLINKED_TOGETHER + n)),
      },
    }),
  },
  {
    ...ok,
    name: 'disks linked',
    connections: 1,
    least: 1,
    count: 5,
    operation: (index) => ({
      query: LINK,
      variables: {
        policyId: LINKED_POLICY,
        diskIds: times(LINKED_TOGETHER, (n) => linkedDisk(index * LINKED_TOGETHER + n)),
      },
    }),
  },
  {
    ...ok,
    name: 'snapshots deleted, 50 at once',
    connections: 8,
    least: 8,
    count: 100,
    operation: (index) => ({
      query: DELETE_MANY,
      variables: { ids: times(50, (n) => bulkSnapshot(500_000 + index * 50 + n)) },
    }),
  },
  {
    ...ok,
    name: 'disks released with 512 snapshots',
    connections: 8,
    least: 8,
    count: FULL_DISKS,
    operation: (index) => ({ query: RELEASE, variables: { id: fullDisk(index) } }),
  },
]
