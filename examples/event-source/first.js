const url = 'http://localhost:4000/graphql'
const query = '{ snapshots { streamCursor nodes { id name status } } }'
const watch = 'subscription ($after: String) { snapshotTransitions(after: $after) { to } }'

async function list() {
  const { data } = await (await fetch(`${url}?${new URLSearchParams({ query })}`)).json()
  console.log(JSON.stringify(data.snapshots.nodes))
  return { after: data.snapshots.streamCursor }
}
const search = new URLSearchParams({ query: watch, variables: JSON.stringify(await list()) })
new EventSource(`${url}?${search}`).addEventListener('next', list)
