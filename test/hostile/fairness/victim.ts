import { readFileSync } from 'node:fs'
import { Agent, request } from 'node:http'
import process from 'node:process'
import { setTimeout as pause } from 'node:timers/promises'
import { WebSocket } from 'ws'
import { REAL_DISKS, realDisk } from './world.ts'

/** A process that uses the gateway as a client does, and says how long it waited for what. */

export interface Wait {
  for: 'query' | 'create' | 'event'
  ms: number
  /** What was not as it should be; undefined when all was. */
  problem?: string
}

const [endpoint = '', token = '', gateway = ''] = process.argv.slice(2)
const QUERIES = [
  { query: '{ disks(first: 5) { nodes { id name status } } }' },
  { query: '{ snapshots(first: 10) { totalCount nodes { id name } } }' },
  {
    query: `query ($id: ID!) { disk(id: $id) { name snapshotQuota { manual { used } } } }`,
    variables: { id: realDisk('victim', 0) },
  },
].map((operation) => JSON.stringify(operation))
const CREATE = `mutation ($id: ID!) { createSnapshot(input: { diskId: $id, name: "calm" }) {
  ... on CreateSnapshotPayload { snapshot { id } } ... on UserError { code } } }`
const WATCH = 'subscription { snapshotTransitions { to snapshotId } }'

/**
 * The time, without that for which the gateway was ready to run and the machine ran something else: the attacker too has to
 * be somewhere. In milliseconds.
 */
function clock(): number {
  const [, queuedNs = '0'] = readFileSync(`/proc/${gateway}/schedstat`, 'utf8').split(' ')
  return performance.now() - Number(queuedNs) / 1e6
}

function report(wait: Wait): void {
  process.send?.(wait)
}

function post(agent: Agent, body: string): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>()
  const headers = {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
    authorization: `Bearer ${token}`,
  }
  request(endpoint, { method: 'POST', agent, headers }, (response) => {
    let text = ''
    response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
    response.on('end', () => resolve(text))
  })
    .on('error', (error) => resolve(error.message))
    .end(body)
  return promise
}

async function query(): Promise<never> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  for (let index = 0; ; index++) {
    const start = clock()
    const text = await post(agent, QUERIES[index % QUERIES.length] ?? '')
    report({ for: 'query', ms: clock() - start, ...(!text.startsWith('{"data":{') && { problem: text }) })
    await pause(20)
  }
}

/** A disk may still have its last snapshot copied: then it is refused after the same work. */
const isRightAnswer = (text: string) => /"id":"s-|DISK_STATUS_FORBIDS_SNAPSHOT/.test(text)

/** When the event came of a snapshot that is made. */
const events = new Map<string, PromiseWithResolvers<number>>()
function eventOf(id: string): PromiseWithResolvers<number> {
  const known = events.get(id) ?? Promise.withResolvers<number>()
  events.set(id, known)
  return known
}

async function create(): Promise<never> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  for (let index = 0; ; index++) {
    const id = realDisk('victim', index % REAL_DISKS.victim)
    const start = clock()
    const text = await post(agent, JSON.stringify({ query: CREATE, variables: { id } }))
    const answered = clock()
    const snapshotId = /"id":"(s-[^"]+)"/.exec(text)?.[1]
    report({ for: 'create', ms: answered - start, ...(!isRightAnswer(text) && { problem: text }) })
    if (snapshotId !== undefined) {
      const came = await eventOf(snapshotId).promise
      events.delete(snapshotId)
      report({ for: 'event', ms: came - answered })
    }
    await pause(100)
  }
}

const socket = new WebSocket(endpoint.replace('http', 'ws'), 'graphql-transport-ws')
socket.on('open', () =>
  socket.send(JSON.stringify({ type: 'connection_init', payload: { authorization: `Bearer ${token}` } })),
)
socket.on('message', (data: Buffer) => {
  const { type, payload } = JSON.parse(data.toString()) as {
    type: string
    payload?: { data: { snapshotTransitions: { to: string; snapshotId: string } } }
  }
  if (type === 'connection_ack') {
    socket.send(JSON.stringify({ id: 'watch', type: 'subscribe', payload: { query: WATCH } }))
    // The subscription is open before its first event.
    setTimeout(() => void Promise.all([query(), create()]), 500)
  } else if (type === 'next' && payload?.data.snapshotTransitions.to === 'CREATING') {
    eventOf(payload.data.snapshotTransitions.snapshotId).resolve(clock())
  }
})
process.once('disconnect', () => process.exit())
