/** What is asked. The same text goes to every contender, and the same bytes come back. */

export const OPERATIONS = ['disk', 'list', 'page', 'create'] as const
export type Operation = (typeof OPERATIONS)[number]

export const ACCOUNT = 'acc-localhost'
/** Of every transition; the gateway's own are random, and as long. */
export const TAG = 'AAAAAAAA'
export const DISKS = 200
/** Disks without snapshots, each good for one `createSnapshot` until it is reset. */
export const FREE_DISKS = 600

export const diskId = (index: number) => `v-bench${String(index).padStart(4, '0')}`
const freeDiskId = (index: number) => `v-free${String(index).padStart(4, '0')}`

export const DOCUMENTS: Record<Operation, string> = {
  disk: 'query Disk($id: ID!) { disk(id: $id) { id name kind status sizeGiB createdAt } }',
  list:
    'query List { disks(first: 20) { nodes { id name status snapshots(first: 10) { nodes ' +
    '{ id name status sizeGiB createdAt } } } } }',
  page:
    'query Page { snapshots(first: 20, filter: { status: { eq: FAILED } }) { nodes ' +
    '{ id name status sizeGiB createdAt } pageInfo { hasNextPage } } }',
  create:
    'mutation Create($input: CreateSnapshotInput!) { createSnapshot(input: $input) { ' +
    '... on CreateSnapshotPayload { snapshot { id name status createdAt } } ... on UserError { code message } } }',
}

/** The body of the nth request of an operation. */
export function bodyOf(operation: Operation, n: number): string {
  const query = DOCUMENTS[operation]
  const operationName = `${operation.charAt(0).toUpperCase()}${operation.slice(1)}`
  switch (operation) {
    case 'disk':
      return JSON.stringify({ query, operationName, variables: { id: diskId((n * 7919) % DISKS) } })
    case 'create':
      return JSON.stringify({
        query,
        operationName,
        variables: { input: { diskId: freeDiskId(n % FREE_DISKS), name: `created-${n}` } },
      })
    default:
      return JSON.stringify({ query, operationName })
  }
}

/** The part of an answer that must be the same everywhere: `data`, without new ids and the time of day. */
export function comparable(operation: Operation, body: string): string {
  const data = body.replace(/,"extensions":\{.*\}\}\s*$/, '}').trim()
  if (operation !== 'create') return data
  return data
    .replace(/"s-[0-9a-z-]+"/g, '"s-…"')
    .replace(/"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"/g, '"now"')
}
