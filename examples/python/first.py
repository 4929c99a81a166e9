import requests

URL = "http://localhost:4000/graphql"
LIST = "{ snapshots { streamCursor nodes { id name status } } }"
WATCH = 'subscription { snapshotTransitions(after: "%s") { to } }'

snapshots = requests.get(URL, {"query": LIST}).json()["data"]["snapshots"]
print(snapshots["nodes"], flush=True)
watch, accept = WATCH % snapshots["streamCursor"], {"accept": "text/event-stream"}
for line in requests.get(URL, {"query": watch}, headers=accept, stream=True).iter_lines(chunk_size=1):
    if line.startswith(b"event: next"):
        print(requests.get(URL, {"query": LIST}).json()["data"]["snapshots"]["nodes"], flush=True)
