import { Agent, request } from 'node:http'
import process from 'node:process'
import { WebSocket } from 'ws'
import { ATTACKS, type Attack } from './attacks.ts'

/** A process that runs an attack by its name, and says how its operations were answered. */

export interface Orders {
  attack: string
  endpoint: string
  token: string
  /** How long it goes on at most, in milliseconds. */
  ms: number
  /** Which part of a limited supply it uses up, and into how many parts that is cut. */
  part: [index: number, parts: number]
}

/** How often each came: `ok`, `opened`, or the code of the first error. */
export type Outcomes = Record<string, number>

process.on('message', (orders: Orders) => {
  void run(orders).then((report) => process.send?.(report))
})

export interface Report {
  outcomes: Outcomes
  /** When the first operation was answered, in milliseconds since 1970. The window of the budget began before that. */
  firstAnswerAt: number
}

async function run({ attack: name, endpoint, token, ms, part: [part, parts] }: Orders): Promise<Report> {
  const attack = ATTACKS.find((one) => one.name === name)
  if (!attack) throw new Error(`There is no attack ${name}.`)
  const outcomes: Outcomes = {}
  let firstAnswerAt = Infinity
  const until = performance.now() + ms
  const supply = attack.count === undefined ? Infinity : Math.floor(attack.count / parts)
  let next = attack.count === undefined ? 0 : part * supply
  const end = next + supply
  /** The next operation; undefined when all have been sent, or the time is over. */
  const take = () => (performance.now() < until && next < end ? next++ : undefined)
  const note = (outcome: string) => {
    firstAnswerAt = Math.min(firstAnswerAt, Date.now())
    outcomes[outcome] = (outcomes[outcome] ?? 0) + 1
  }
  const attackOver = attack.over === 'WebSocket' ? overWebSocket : overHttp
  await Promise.all(
    Array.from({ length: attack.connections }, () => attackOver(attack, { endpoint, token, take, note })),
  )
  return { outcomes, firstAnswerAt }
}

interface Means {
  endpoint: string
  token: string
  take: () => number | undefined
  note: (outcome: string) => unknown
}

async function overHttp({ operation, over }: Attack, { endpoint, token, take, note }: Means): Promise<void> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  for (let index = take(); index !== undefined; index = take()) {
    const body = JSON.stringify(operation(index))
    const text = await post(endpoint, agent, body, {
      authorization: `Bearer ${token}`,
      accept: over === 'SSE' ? 'text/event-stream' : 'application/json',
    })
    const outcome = outcomeOf(text)
    note(outcome)
    if (outcome === 'RATE_LIMITED') break
  }
  agent.destroy()
}

function post(
  endpoint: string,
  agent: Agent,
  body: string,
  headers: Record<string, string>,
): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>()
  request(
    endpoint,
    {
      method: 'POST',
      agent,
      headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body), ...headers },
    },
    (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('end', () => resolve(Buffer.concat(chunks).toString()))
    },
  )
    .on('error', (error) => resolve(error.message))
    .end(body)
  return promise
}

/** What an answer is: the code of its first error or refusal, or `ok`. */
function outcomeOf(text: string): string {
  return (
    /"code":"([A-Z_]+)"/.exec(text.includes('"errors":[') ? text : text.slice(0, 60))?.[1] ??
    (text.includes('"data":{') ? 'ok' : text)
  )
}

/** Opens operations one after the other; what goes on is completed at once. */
async function overWebSocket(
  { operation, outcomes }: Attack,
  { endpoint, token, take, note }: Means,
): Promise<void> {
  const socket = new WebSocket(endpoint.replace('http', 'ws'), 'graphql-transport-ws')
  const waiting = new Map<string, (outcome: string) => void>()
  const acknowledged = Promise.withResolvers<undefined>()
  socket.on('open', () =>
    socket.send(JSON.stringify({ type: 'connection_init', payload: { authorization: `Bearer ${token}` } })),
  )
  socket.on('message', (data: Buffer) => {
    const message = JSON.parse(data.toString()) as { id: string; type: string }
    if (message.type === 'connection_ack') acknowledged.resolve(undefined)
    else
      waiting.get(message.id)?.(
        outcomeOf(data.toString().slice(0, 10_000).replace('"payload":[', '"errors":[')),
      )
  })
  await acknowledged.promise
  for (let index = take(); index !== undefined; index = take()) {
    const id = `o${index}`
    const { promise, resolve } = Promise.withResolvers<string>()
    waiting.set(id, resolve)
    socket.send(JSON.stringify({ id, type: 'subscribe', payload: operation(index) }))
    // Nothing says that a subscription is open. What is neither refused nor answered by then is, or is about to be.
    if (outcomes.includes('opened')) setTimeout(() => resolve('opened'), 20)
    const outcome = await promise
    waiting.delete(id)
    if (outcome === 'opened') socket.send(JSON.stringify({ id, type: 'complete' }))
    note(outcome)
    if (outcome === 'RATE_LIMITED') break
  }
  socket.terminate()
}
