import { Agent, request as httpRequest } from 'node:http'
import { text } from 'node:stream/consumers'
import { isDeepStrictEqual } from 'node:util'
import { expect } from 'vitest'
import { idFrom, type IdType } from '../../src/domain/id.ts'
import type { Role } from '../../src/domain/role.ts'
import { schema } from '../../src/graphql/schema.ts'
import { startTestApp } from '../support/app.ts'
import { chance } from '../support/random.ts'
import { randomRequests, type RandomRequest } from '../support/random-requests.ts'

/** The same time and the same ids for each gateway, so that what they answer is the same. */
const NOW = new Date('2026-03-01T12:00:00Z')

function countedIds() {
  let made = 0
  return (type: IdType) => {
    // A digit for each byte: an id has a character for each byte, of which there are fewer than values of a byte.
    const digits = (++made).toString(16).padStart(12, '0')
    return idFrom(
      type,
      Uint8Array.from(digits, (digit) => Number.parseInt(digit, 16)),
    )
  }
}

interface Sent {
  status: number | undefined
  headers: Record<string, unknown>
  body: string
}

/** A gateway with a world of every kind of thing. Introspection is for its administrators. */
async function startWorld(ANSWER_CACHE_BYTES: string) {
  let statements = 0
  const app = await startTestApp(
    { ANSWER_CACHE_BYTES, MAX_COST: '100000', INTROSPECTION: 'false', LOG_LEVEL: 'error' },
    { now: () => NOW, newId: countedIds(), onStatement: () => statements++ },
  )
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  const disks = [
    await app.disk({ kind: 'SYSTEM' }),
    await app.disk({ attachedTo: 'i-1' }),
    await app.disk({ status: 'SCALING' }),
    await app.disk(),
  ]
  for (const disk of disks.slice(0, 3)) await app.heldSnapshots(disk, 4)
  await app.graphql(
    'mutation { createAutoSnapshotPolicy(input: { name: "nightly", timePoints: [1], repeatWeekdays: [1], retentionDays: 7 }) { __typename } }',
  )
  // The requests above named no id, and each gateway gave them a random one.
  await app.db.activity.updateMany({ data: { requestId: 'world' } })
  const snapshots = await app.db.snapshot.findMany({ take: 3, orderBy: { id: 'asc' } })
  const policies = await app.db.autoSnapshotPolicy.findMany()
  const authorizations = new Map<Role, string>()
  for (const role of ROLES) authorizations.set(role, `Bearer ${(await app.token(role)).token}`)

  return {
    /** What it logged of its own faults. */
    faults: app.logged,

    ids: [...disks, ...snapshots, ...policies].map(({ id }) => id),

    /** Whether nothing was asked of the database since it was last called. */
    wasSilent() {
      const wasSilent = statements === 0
      statements = 0
      return wasSilent
    },

    send({ method, headers, search, body }: RandomRequest, role: Role, requestId: string): Promise<Sent> {
      const all = {
        ...headers,
        authorization: authorizations.get(role) ?? '',
        'x-request-id': requestId,
        ...(method === 'POST' && { 'content-length': Buffer.byteLength(body) }),
      }
      return new Promise((resolve, reject) => {
        httpRequest(`${app.endpoint}${search}`, { method, headers: all, agent }, (response) => {
          text(response).then((answer) => {
            // What is left of a budget, and until when, differs with each request.
            const budgets = String(response.headers.ratelimit).replace(/;[rt]=\d+/g, '')
            resolve({
              status: response.statusCode,
              headers: { ...response.headers, date: '', 'content-length': '', ratelimit: budgets },
              body: answer.replace(/"remaining":\d+,"resetAt":"[^"]*"/, '"…":0'),
            })
          }, reject)
        })
          .on('error', reject)
          .end(method === 'POST' ? body : undefined)
      })
    },

    async [Symbol.asyncDispose]() {
      agent.destroy()
      await app[Symbol.asyncDispose]()
    },
  }
}

const ROLES: Role[] = ['ADMIN', 'OPERATOR', 'VIEWER']

/** Cursors of the log and secrets are each gateway's own. */
function withoutOwn({ body, ...sent }: Sent): Sent {
  return { ...sent, body: body.replace(/"(streamCursor|cursor|token)":"[^"]*"/g, '"$1":"…"') }
}

interface Answer {
  data?: unknown
  errors?: { path?: (string | number)[] }[]
}

/**
 * Where several fields fail that make the same value null, the error of the one that failed first is told, and which
 * that is depends on what was read first. This leaves of such an error where the null is. Undefined without one.
 */
function withoutRace({ body, ...sent }: Sent): unknown {
  const [json] = /\{.*\}/s.exec(body) ?? []
  if (json === undefined) return undefined
  const answer = JSON.parse(json) as Answer
  const errors = answer.errors?.map((error) => {
    const values = [answer.data]
    for (const key of error.path ?? []) values.push((values.at(-1) as Record<string, unknown> | null)?.[key])
    const at = values.indexOf(null)
    if (at < 0 || at === error.path?.length) return error
    return error.path?.slice(0, at)
  })
  return errors?.some((error) => Array.isArray(error))
    ? { ...sent, answer: { ...answer, errors } }
    : undefined
}

/** Fails unless all are the same. Returns whether they are so only without what a race decides. */
function expectSame([first, ...others]: Sent[]): boolean {
  const expected = others.map(() => first)
  if (isDeepStrictEqual(others, expected)) return false
  const reduced = first && withoutRace(first)
  if (reduced === undefined || !others.every((other) => isDeepStrictEqual(withoutRace(other), reduced)))
    expect(others).toEqual(expected)
  return true
}

let slowRequests = 0

/** The same request with a header Accept that was never answered before, so that Yoga answers it. */
function slowly({ headers, ...request }: RandomRequest): RandomRequest {
  const { accept = '*/*' } = headers
  if (accept === '') return { ...request, headers }
  return { ...request, headers: { ...headers, accept: `${accept};request=${++slowRequests}` } }
}

/**
 * Sends random requests three times each, on behalf of one role: to a gateway as it is, to one that keeps no answers,
 * and to one that never takes its fast path. All answers must have the same status, headers and bytes, the first time
 * and after it; those of a mutation change with what it changed.
 */
export async function askInEachWay(cases: number, seed: number) {
  await using kept = await startWorld('')
  await using unkept = await startWorld('0')
  await using slow = await startWorld('0')
  const gateways = [kept, unkept, slow]
  expect([unkept.ids, slow.ids]).toEqual([kept.ids, kept.ids])
  const random = chance(seed)
  const { next } = randomRequests(schema, random, [...kept.ids, 'v-missing00'])
  const counts = { read: 0, changed: 0, kept: 0 }
  let raced = 0

  async function ask(request: RandomRequest, role: Role, requestId: string): Promise<Sent> {
    const answers = await Promise.all(
      gateways.map((gateway) => gateway.send(gateway === slow ? slowly(request) : request, role, requestId)),
    )
    expect(gateways.flatMap(({ faults }) => faults)).toEqual([])
    const comparable = answers.map(withoutOwn)
    const [first] = comparable
    if (expectSame(comparable)) raced++
    expect(first?.body).not.toContain('INTERNAL_SERVER_ERROR')
    if (String(first?.headers['content-type']).includes('json')) JSON.parse(first?.body ?? '')
    return answers[0] as Sent
  }

  for (let number = 0; number < cases; number++) {
    const request = next()
    const isMutation = request.body.includes('"mutation')
    const role = random.pick([...ROLES, 'ADMIN' as const])
    const requestId = `case-${String(number).padStart(6, '0')}`
    try {
      // What an administrator was answered before must make no difference to others.
      if (!isMutation && random.happens(0.2)) await ask(request, 'ADMIN', requestId)
      const first = await ask(request, role, requestId)
      const second = await ask(request, role, requestId)
      kept.wasSilent()
      const third = await ask(request, role, requestId)
      const isAnswered = first.body.startsWith('{"data":{')
      if (isAnswered && kept.wasSilent()) counts.kept++
      if (isAnswered) counts[isMutation ? 'changed' : 'read']++
      if (!isMutation && expectSame([first, second, third])) raced++
    } catch (error) {
      throw new Error(`Seed ${seed}, ${requestId} as ${role}: ${JSON.stringify(request)}`, { cause: error })
    }
  }
  expect(raced).toBeLessThan(Math.max(2, cases / 1_000))
  return counts
}
