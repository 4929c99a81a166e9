import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { Agent, request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { openDatabase } from '../../src/database/database.ts'
import { writeImage } from '../support/app.ts'
import { postGraphql } from '../support/clients.ts'
import { startGateway } from '../support/process.ts'

const SUBSCRIBERS = 500
const SHUTDOWN_MS = 3_000
const SETTINGS = { SHUTDOWN_MS: String(SHUTDOWN_MS), LOG_LEVEL: 'error', DEMO: 'false' }
const WATCH = 'subscription { snapshotTransitions { sequence } }'

/** Subscribes over WebSocket; resolves when the socket serves it, `closed` with the close code and the time. */
async function openSocket(endpoint: string) {
  const socket = new WebSocket(endpoint.replace('http', 'ws'), 'graphql-transport-ws')
  const { promise: ready, resolve } = Promise.withResolvers<undefined>()
  socket.on('open', () => socket.send('{"type":"connection_init"}'))
  socket.on('message', (data: Buffer) => {
    const { type } = JSON.parse(data.toString()) as { type: string }
    if (type === 'connection_ack') {
      socket.send(JSON.stringify({ id: '1', type: 'subscribe', payload: { query: WATCH } }))
      socket.send('{"type":"ping"}')
    } else if (type === 'pong') {
      resolve(undefined)
    }
  })
  const closed = new Promise<{ code: number; at: number }>((done) =>
    socket.on('close', (code) => done({ code, at: performance.now() })),
  )
  await ready
  return { closed }
}

/** Subscribes over server-sent events; resolves when the stream is open, `closed` with what came and the time. */
async function openStream(endpoint: string, agent: Agent) {
  const headers = { 'content-type': 'application/json', accept: 'text/event-stream' }
  const { promise: ready, resolve, reject } = Promise.withResolvers<undefined>()
  const closed = new Promise<{ text: string; at: number }>((done) => {
    const post = request(endpoint, { method: 'POST', headers, agent }, (response) => {
      let text = ''
      response.on('data', (chunk: Buffer) => {
        text += chunk.toString()
        resolve(undefined)
      })
      response.on('error', () => undefined)
      response.on('close', () => done({ text, at: performance.now() }))
    })
    post.on('error', reject)
    post.end(JSON.stringify({ query: WATCH }))
  })
  await ready
  return { closed }
}

test(`${SUBSCRIBERS} sockets and ${SUBSCRIBERS} event streams are let go one by one when the gateway stops, and its work is handed back`, async () => {
  const dataDir = await mkdtemp(join(tmpdir(), 'snapgate-'))
  await mkdir(join(dataDir, 'disks'))
  const path = join(dataDir, 'disks', 'd.img')
  await writeImage(path, 512, 512)
  await using gateway = await startGateway({ ...SETTINGS, DATA_DIR: dataDir })
  const agent = new Agent({ maxSockets: Infinity })
  const sockets = await Promise.all(Array.from({ length: SUBSCRIBERS }, () => openSocket(gateway.endpoint)))
  const streams = await Promise.all(
    Array.from({ length: SUBSCRIBERS }, () => openStream(gateway.endpoint, agent)),
  )
  const { data } = await postGraphql(
    gateway.endpoint,
    `mutation ($path: String!) {
      registerDisk(input: { path: $path, name: "d", kind: DATA }) { ... on RegisterDiskPayload { disk { id } } }
    }`,
    { path },
  )
  await gateway.snapshot(data.registerDisk.disk)

  const stoppedAt = performance.now()
  const exit = gateway.stop('SIGTERM')
  await expect.poll(async () => (await fetch(`${gateway.url}/readyz`)).status).toBe(503)
  const late = await postGraphql(gateway.endpoint, '{ __typename }')
  expect([late.status, late.errors?.[0]?.extensions.code]).toEqual([503, 'SERVICE_UNAVAILABLE'])

  // The leases are given back before all clients are.
  await using db = await openDatabase({ url: `file:${join(dataDir, 'snapgate.db')}` })
  const leases = { leaseOwner: true, leaseUntil: true, retryAt: true } as const
  const handedBack = [{ leaseOwner: null, leaseUntil: null, retryAt: null }]
  await expect.poll(() => db.job.findMany({ select: leases })).toEqual(handedBack)
  expect(performance.now() - stoppedAt).toBeLessThan(SHUTDOWN_MS)

  const codes = await Promise.all(sockets.map(({ closed }) => closed))
  const texts = await Promise.all(streams.map(({ closed }) => closed))
  expect(await exit).toBe(0)
  const tookMs = performance.now() - stoppedAt

  expect(codes.filter(({ code }) => code !== 1001)).toEqual([])
  expect(texts.filter(({ text }) => text.includes('event: complete'))).toEqual([])
  // Let go over the window, not all at once: at half of it, many had gone and many had not.
  const gone = [...codes, ...texts].filter(({ at }) => at - stoppedAt < SHUTDOWN_MS / 2).length
  expect(gone).toBeGreaterThan(SUBSCRIBERS * 0.2)
  expect(gone).toBeLessThan(SUBSCRIBERS * 1.8)
  // The window, 2 s for requests in flight, and some time on a busy machine.
  expect(tookMs).toBeLessThan(SHUTDOWN_MS + 10_000)

  await rm(dataDir, { recursive: true })
})
