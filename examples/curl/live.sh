#!/usr/bin/env bash
# Lists, creates and watches snapshots with curl and jq.
set -uo pipefail
: "${GATEWAY:=http://localhost:4000/graphql}" "${TOKEN_URL:?}" "${DISK_ID:?}"

ask() { # query, variables, more arguments of curl
  jq -cn --arg query "$1" --argjson variables "$2" '{$query, $variables}' |
    curl -sSN "$GATEWAY" -H 'content-type: application/json' -H "authorization: Bearer $(curl -s "$TOKEN_URL")" -d @- "${@:3}"
}

list='{ snapshots(first: 100) { streamCursor nodes { name status } } }'
create='mutation ($diskId: ID!, $name: String!) {
  createSnapshot(input: { diskId: $diskId, name: $name }) { ... on UserError { message } }
}'
watch='subscription ($after: String) { snapshotTransitions(after: $after) { cursor sequence snapshotId from to } }'

snapshots=$(ask "$list" '{}')
jq -r '.data.snapshots.nodes[] | "listed \(.name) \(.status)"' <<<"$snapshots"
for name in 1st mine; do
  ask "$create" "$(jq -n --arg diskId "$DISK_ID" --arg name "$name" '{$diskId, $name}')" |
    jq -r --arg name "$name" '"create \($name) \(.data.createSnapshot.message // "accepted")"'
done

after=$(jq -r .data.snapshots.streamCursor <<<"$snapshots")
while true; do
  while IFS= read -r line; do
    [[ $line == 'data: {'* ]] || continue
    event=$(jq -c '.data.snapshotTransitions // empty' <<<"${line#data: }")
    [ -n "$event" ] || continue
    after=$(jq -r .cursor <<<"$event")
    jq -r '"saw \(.sequence) \(.snapshotId) \(.from // "-") \(.to)"' <<<"$event"
  done < <(ask "$watch" "$(jq -n --arg after "$after" '{$after}')" -H 'accept: text/event-stream' 2>/dev/null)
  sleep "0.$((RANDOM % 900 + 100))"
done
