import { randomInt } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { mkdtempDisposable } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { SignJWT } from 'jose'
import { expect } from 'vitest'
import { postGraphql, streamEvents } from './clients.ts'
import { outlast, type Whereabouts } from './outlasting.ts'
import { startGateway } from './process.ts'
import { freePort } from './redis.ts'

const SECRET = 'a secret of at least 32 bytes, shared with the issuer'
const KILLS = 4
/** Snapshots that are created around each kill. */
const PER_KILL = 5

const CREATE_DISK = `mutation ($name: String!) {
  createDisk(input: { name: $name, sizeGiB: 5 }) { ... on CreateDiskPayload { disk { id } } ... on UserError { message } }
}`
const CREATE = `mutation ($diskId: ID!, $clientToken: String!) {
  createSnapshot(input: { diskId: $diskId, name: "from-elsewhere", clientToken: $clientToken }) {
    ... on CreateSnapshotPayload { snapshot { id } }
    ... on UserError { code }
  }
}`
const WATCH = `subscription ($after: String) {
  snapshotTransitions(after: $after) { sequence snapshotId from to }
}`

/** A step of a snapshot, in one line: what an app shows of a transition, and what the log holds. */
export interface Step {
  sequence: number
  snapshotId: string
  from: string | null
  to: string
}

export const stepLine = ({ sequence, snapshotId, from, to }: Step) =>
  `${sequence} ${snapshotId} ${from ?? '-'} ${to}`

/**
 * A gateway at one address, with a disk, and an issuer of tokens: what an app meets in a bad week. `through` kills and
 * restarts the gateway four times, lets the app's token expire in between, and compares what the app saw with the log.
 */
export async function startTrial(origin?: string) {
  await using parts = new AsyncDisposableStack()
  const data = parts.use(await mkdtempDisposable(join(tmpdir(), 'snapgate-')))
  const port = await freePort()
  const settings = {
    PORT: String(port),
    DATA_DIR: data.path,
    DEMO: 'false',
    LEASE_MS: '1000',
    SNAPSHOT_QUOTA_MANUAL: '1000',
    JWT_ISSUER: 'https://issuer.example',
    JWT_AUDIENCE: 'snapgate',
    JWT_SECRET: SECRET,
    ...(origin !== undefined && { ALLOWED_ORIGINS: origin }),
  }
  let gateway = await startGateway(settings)
  parts.defer(async () => {
    await gateway.stop('SIGKILL')
  })
  const where: Whereabouts = { endpoint: gateway.endpoint, over: false }
  parts.defer(() => void (where.over = true))
  const tokens = await startTokens()
  parts.defer(() => void tokens.close())
  const own = { authorization: `Bearer ${await sign('1h')}` }
  const ask = (query: string, variables: Record<string, unknown> = {}) =>
    postGraphql(where.endpoint, query, variables, own)

  const { data: made, errors } = await ask(CREATE_DISK, { name: 'disk-1' })
  const diskId = made?.createDisk.disk?.id as string | undefined
  if (diskId === undefined) throw new Error(JSON.stringify(errors ?? made))
  await expect
    .poll(async () => (await ask('query ($id: ID!) { disk(id: $id) { status } }', { id: diskId })).data)
    .toEqual({ disk: { status: 'UNMOUNTED' } })
  const start = (await ask('{ snapshots(first: 0) { streamCursor } }')).data.snapshots.streamCursor as string

  let created = 0
  /** Creates snapshots one after the other: a disk is in one at a time. */
  async function create(count: number): Promise<void> {
    for (const last = created + count; created < last;) {
      const variables = { diskId, clientToken: `trial-${created + 1}` }
      const answer = await outlast(where, CREATE, variables, own)
      const { snapshot, code } = answer?.data?.createSnapshot ?? {}
      if (snapshot) created++
      else if (code === 'DISK_STATUS_FORBIDS_SNAPSHOT') await pause(50)
      else throw new Error(JSON.stringify(answer))
    }
  }

  async function restart(): Promise<void> {
    const creating = create(PER_KILL)
    await pause(randomInt(1_000))
    await gateway.stop('SIGKILL')
    gateway = await startGateway(settings)
    await creating
  }

  /** Every step since the trial began, once all work is done. */
  async function log(): Promise<string[]> {
    const busy = '{ snapshots(filter: { status: { in: [CREATING] } }) { totalCount } }'
    await expect.poll(async () => (await ask(busy)).data.snapshots.totalCount, { timeout: 60_000 }).toBe(0)
    const { data } = await ask('{ snapshots(first: 100) { nodes { transitions { sequence } } } }')
    const last = Math.max(
      ...(data.snapshots.nodes as { transitions: Step[] }[]).flatMap(({ transitions }) =>
        transitions.map(({ sequence }) => sequence),
      ),
    )
    const steps: Step[] = []
    for await (const event of streamEvents(where.endpoint, WATCH, { after: start }, own)) {
      steps.push(event.data.snapshotTransitions)
      if (steps.at(-1)?.sequence === last) break
    }
    return steps.map(stepLine)
  }

  const begun = parts.move()
  return {
    endpoint: where.endpoint,
    tokenUrl: tokens.url,
    token: tokens.next,
    expireNext: () => tokens.expireNext(),
    diskId,
    /** The position of the log at which the trial began. */
    start,

    /** The list as an app shows it. */
    async list(): Promise<string[]> {
      const { data } = await ask('{ snapshots(first: 100) { nodes { name status } } }')
      return (data.snapshots.nodes as { name: string; status: string }[]).map(
        ({ name, status }) => `${name} ${status}`,
      )
    },

    log,

    /** Four kills, and a token that expires in the middle; then the app must have seen the log, and nothing else. */
    async through(seen: () => string[] | Promise<string[]>): Promise<void> {
      for (let kill = 1; kill <= KILLS; kill++) {
        const before = tokens.issued
        if (kill === KILLS / 2) tokens.expireNext()
        await restart()
        // The app is back, with a token that is about to expire; then it is back again, with another.
        if (kill === KILLS / 2)
          await expect.poll(() => tokens.issued, { timeout: 60_000 }).toBeGreaterThan(before + 1)
      }
      const expected = await log()
      expect(expected.length).toBeGreaterThanOrEqual(KILLS * PER_KILL * 2)
      await expect.poll(seen, { timeout: 60_000 }).toHaveLength(expected.length)
      expect(await seen()).toEqual(expected)
    },

    [Symbol.asyncDispose]: () => begun.disposeAsync(),
  }
}

export type Trial = Awaited<ReturnType<typeof startTrial>>

function sign(lifetime: string): Promise<string> {
  return new SignJWT({ account: 'tenant', role: 'admin' })
    .setProtectedHeader({ alg: 'HS256' })
    .setIssuer('https://issuer.example')
    .setAudience('snapgate')
    .setIssuedAt()
    .setExpirationTime(lifetime)
    .sign(new TextEncoder().encode(SECRET))
}

/** Gives tokens, as an app's own backend does. */
async function startTokens() {
  let issued = 0
  let lifetime = '1h'
  async function next(): Promise<string> {
    const token = await sign(lifetime)
    lifetime = '1h'
    issued++
    return token
  }
  const server = createServer((_request, response) => {
    void next().then((token) => response.end(token))
  })
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/token`,
    next,
    get issued() {
      return issued
    },
    /** The next token expires a few seconds after it was issued. */
    expireNext(): void {
      lifetime = '1s'
    },
    close: () => server.close(),
  }
}
