import { Agent, request } from 'node:http'
import { setTimeout as pause } from 'node:timers/promises'
import { parentPort, workerData } from 'node:worker_threads'

/** A client that asks for a page, one request after the other, and says how long each took. In a thread of its own. */

export interface Answered {
  ms: number
  status: number | undefined
  text: string
}

const { endpoint, authorization } = workerData as { endpoint: string; authorization: string }
const agent = new Agent({ keepAlive: true, maxSockets: 1 })
const body = JSON.stringify({
  query: '{ disks(first: 5) { nodes { id name snapshotQuota { manual { used } } } } }',
})

function ask(): Promise<Omit<Answered, 'ms'>> {
  const { promise, resolve } = Promise.withResolvers<Omit<Answered, 'ms'>>()
  const headers = { 'content-type': 'application/json', 'content-length': body.length, authorization }
  request(endpoint, { method: 'POST', agent, headers }, (response) => {
    let text = ''
    response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
    response.on('end', () => resolve({ status: response.statusCode, text }))
  })
    .on('error', (error) => resolve({ status: undefined, text: error.message }))
    .end(body)
  return promise
}

// What this thread itself has not been let run is no fault of the gateway.
let lost = 0
let last = performance.now()
setInterval(() => {
  const now = performance.now()
  lost += Math.max(0, now - last - 10)
  last = now
}, 5)

for (;;) {
  const lostBefore = lost
  const start = performance.now()
  const answer = await ask()
  parentPort?.postMessage({
    ms: performance.now() - start - (lost - lostBefore),
    ...answer,
  } satisfies Answered)
  await pause(20)
}
