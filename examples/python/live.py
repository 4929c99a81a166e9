"""Lists, creates and watches snapshots. Debian: apt install python3-requests python3-websockets."""

import asyncio
import json
import os
import random

import requests
import websockets

GATEWAY = os.environ.get("GATEWAY", "http://localhost:4000/graphql")
TOKEN_URL = os.environ["TOKEN_URL"]
DISK_ID = os.environ["DISK_ID"]

LIST = "{ snapshots(first: 100) { streamCursor nodes { id name status } } }"
CREATE = """mutation ($diskId: ID!, $name: String!) {
  createSnapshot(input: { diskId: $diskId, name: $name }) { ... on UserError { message } }
}"""
WATCH = """subscription ($after: String) {
  snapshotTransitions(after: $after) { cursor sequence snapshotId from to }
}"""
# Errors that pass with time; the others end the program.
PASSING = {"SERVICE_UNAVAILABLE", "RATE_LIMITED", "SLOW_CONSUMER", "UNAUTHENTICATED", "TOO_MANY_CONNECTIONS"}


def authorization():
    return "Bearer " + requests.get(TOKEN_URL, timeout=10).text


def ask(query, **variables):
    answer = requests.post(
        GATEWAY,
        json={"query": query, "variables": variables},
        headers={"authorization": authorization()},
        timeout=30,
    )
    return answer.json()["data"]


async def events(after):
    """The transitions after the cursor, until the connection ends."""
    async with websockets.connect(
        GATEWAY.replace("http", "ws", 1), subprotocols=["graphql-transport-ws"]
    ) as socket:
        await socket.send(json.dumps({"type": "connection_init", "payload": {"authorization": authorization()}}))
        payload = {"query": WATCH, "variables": {"after": after}}
        async for text in socket:
            message = json.loads(text)
            if message["type"] == "connection_ack":
                await socket.send(json.dumps({"type": "subscribe", "id": "1", "payload": payload}))
            elif message["type"] == "next":
                yield message["payload"]["data"]["snapshotTransitions"]
            elif message["type"] == "ping":
                await socket.send(json.dumps({"type": "pong"}))
            elif message["type"] == "error":
                if message["payload"][0]["extensions"]["code"] in PASSING:
                    return
                raise RuntimeError(message["payload"])


async def watch(after):
    """Every transition after the cursor, once, in order, whatever happens to the connection."""
    while True:
        try:
            async for event in events(after):
                after = event["cursor"]
                yield event
        except (OSError, websockets.WebSocketException, requests.RequestException):
            pass
        await asyncio.sleep(0.5 + random.random())


async def main():
    snapshots = ask(LIST)["snapshots"]
    for snapshot in snapshots["nodes"]:
        print("listed", snapshot["name"], snapshot["status"], flush=True)
    for name in ["1st", "mine"]:
        created = ask(CREATE, diskId=DISK_ID, name=name)["createSnapshot"]
        print("create", name, created.get("message", "accepted"), flush=True)
    async for event in watch(snapshots["streamCursor"]):
        print("saw", event["sequence"], event["snapshotId"], event["from"] or "-", event["to"], flush=True)


asyncio.run(main())
