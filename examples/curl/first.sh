#!/usr/bin/env bash
url=http://localhost:4000/graphql
query='{ snapshots { streamCursor nodes { id name status } } }'
list() { curl -s "$url" -G --data-urlencode "query=$query"; }

after=$(list | jq -r .data.snapshots.streamCursor)
list | jq -c .data.snapshots.nodes
watch="subscription { snapshotTransitions(after: \"$after\") { to } }"
curl -sN "$url" -G --data-urlencode "query=$watch" -H 'accept: text/event-stream' |
  while read -r line; do [[ $line == data:* ]] && list | jq -c .data.snapshots.nodes; done
