import { createClient } from 'graphql-sse'

const query = `subscription ($filter: SnapshotTransitionFilter) {
  snapshotTransitions(filter: $filter) { snapshotName from to }
}`
const filter = {
  type: { eq: 'MANUAL' },
  to: { in: ['COMPLETED', 'FAILED'] },
  tags: [{ key: 'env', value: { eq: 'prod' } }],
}
const client = createClient({ url: 'http://localhost:4000/graphql' })
for await (const { data } of client.iterate({ query, variables: { filter } }))
  console.log(JSON.stringify(data?.snapshotTransitions))
