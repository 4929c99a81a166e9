/**
 * `npm run demo:cloud`: a gateway with a connection to a simulated region of Baidu AI Cloud, to build clients against. What goes wrong
 * there is switched on and off over HTTP. PORT is the gateway's, 4000 by default; the region and the switches have the next two.
 */
import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { START_ARGS } from '../bench/npm-start.ts'
import { BAIDU_KEY, baiduDialect } from '../test/support/fake-cloud/baidu.ts'
import { FakeCloud } from '../test/support/fake-cloud/engine.ts'
import { serve } from '../test/support/fake-cloud/server.ts'

const PORT = Number(process.env.PORT ?? 4000)
const ROOT = fileURLToPath(new URL('..', import.meta.url))

/** How long a snapshot takes in the region, in milliseconds. */
const COPY_MS = 20_000
const SNAPSHOTS_PER_DISK = 256

const cloud = new FakeCloud()
cloud.copyMs = COPY_MS
const refused = JSON.stringify({
  code: 'InvalidAccessKeyId',
  message: 'The key does not exist.',
  requestId: 'demo',
})

/** What can go wrong, by name: how it is switched on and off. */
const SWITCHES: Record<string, { is: string; set: (on: boolean) => void }> = {
  throttled: { is: 'The cloud answers 429 to everything.', set: answering(429, { 'retry-after': '5' }) },
  down: { is: 'The cloud answers 503 to everything.', set: answering(503) },
  'credentials-refused': {
    is: 'The cloud refuses the credentials.',
    set: answering(403, { 'content-type': 'application/json' }, refused),
  },
  'quota-full': {
    is: 'The cloud takes no further snapshot: createSnapshot is refused.',
    set: (on) => (cloud.snapshotLimit = on ? 0 : SNAPSHOTS_PER_DISK),
  },
  'answer-lost': {
    is: 'The connection is cut after the next change was made.',
    set: (on) => (cloud.faults.nextWriteLost = on ? 'CUT' : undefined),
  },
  'fails-later': {
    is: 'Snapshots are accepted, and fail in the end.',
    set: (on) => (cloud.faults.createsFailLater = on),
  },
  stuck: { is: 'Snapshots in creation do not move.', set: (on) => (cloud.faults.stuck = on) },
  late: {
    is: 'New snapshots are not visible for 30 s.',
    set: (on) => (cloud.faults.visibleAfterMs = on ? 30_000 : 0),
  },
}
const isOn = new Set<string>()

function answering(status: number, headers: Record<string, string> = {}, body = '') {
  return (on: boolean) => (cloud.faults.everything = on ? { status, body, headers } : undefined)
}

const ended = new Promise<void>((resolve) => {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => resolve())
})

await using stack = new AsyncDisposableStack()
populate()
const region = stack.use(await serve(cloud, baiduDialect(), PORT + 1))
const switches = createServer((request, response) => {
  response.writeHead(200, { 'content-type': 'application/json' })
  response.end(`${JSON.stringify(switched(request.method ?? '', request.url ?? ''), undefined, 2)}\n`)
}).listen(PORT + 2, '127.0.0.1')
await once(switches, 'listening')
stack.defer(() => void switches.close())
const dataDir = await mkdtemp(join(tmpdir(), 'snapgate-cloud-'))
stack.defer(() => rm(dataDir, { recursive: true }))
const gateway = spawn(process.execPath, START_ARGS, {
  cwd: ROOT,
  env: {
    ...process.env,
    PORT: String(PORT),
    DATA_DIR: dataDir,
    CREDENTIALS_KEY: randomBytes(32).toString('base64'),
    UPSTREAM_HOSTS: region.url.host,
    CLOUD_INVENTORY_INTERVAL_MS: '10000',
    LOG_LEVEL: 'warn',
  },
  stdio: ['ignore', 'ignore', 'inherit'],
  // Ctrl-C is for this process, which stops the gateway before the region.
  detached: true,
})
stack.defer(async () => {
  if (gateway.exitCode !== null) return
  const exited = once(gateway, 'exit')
  gateway.kill('SIGTERM')
  await exited
})
await ready()
await connect()
console.log(instructions())
await Promise.race([ended, once(gateway, 'exit')])
console.log('Stopping.')

/** A few disks, with snapshots that were made before; from then on the region's clock is that of this machine. */
function populate(): void {
  cloud.advance(Date.now() - cloud.now() - 3_600_000)
  const disks = [
    cloud.disk('v', 'InUse', { name: 'orders-db', sizeGiB: 200, instanceId: 'i-orders' }),
    cloud.disk('v', 'Available', { name: 'media-archive', sizeGiB: 1_000 }),
    cloud.disk('v', 'Running', { name: 'web-system', sizeGiB: 40, system: true, instanceId: 'i-web' }),
    cloud.disk('v', 'Expired', { name: 'old-reports', sizeGiB: 100 }),
  ]
  for (const disk of disks.slice(0, 2)) {
    cloud.snapshot('s', disk.id, { name: `${disk.name}-before-upgrade` })
    cloud.snapshot('s', disk.id, { name: `auto-${disk.name}`, automatic: true })
  }
  const disksOf = (...some: typeof disks) => new Set(some.map(({ id }) => id))
  cloud.policy('asp', {
    name: 'nightly',
    timePoints: [2],
    retentionDays: 7,
    diskIds: disksOf(...disks.slice(0, 2)),
  })
  cloud.policy('asp', {
    name: 'weekly',
    repeatWeekdays: [6],
    retentionDays: -1,
    diskIds: disksOf(...disks.slice(0, 1)),
  })
  cloud.advance(3_600_000)
  const clock = setInterval(() => cloud.advance(Date.now() - cloud.now()), 100)
  stack.defer(() => clearInterval(clock))
}

/** What a request to the switches does, and how they are then. */
function switched(method: string, path: string): object {
  const [, name = '', state = ''] = path.split('/')
  const one = SWITCHES[name]
  if (method === 'PUT' && one && (state === 'on' || state === 'off')) {
    one.set(state === 'on')
    if (state === 'on') isOn.add(name)
    else isOn.delete(name)
  }
  if (method === 'POST' && name === 'outside') {
    const [disk] = cloud.disks.values()
    if (disk) cloud.snapshot('s', disk.id, { name: 'made-outside' })
  }
  const [policy] = cloud.policies.values()
  if (method === 'POST' && name === 'policy' && policy) cloud.run(policy)
  return Object.fromEntries(Object.entries(SWITCHES).map(([key, { is }]) => [key, { is, on: isOn.has(key) }]))
}

async function ready(): Promise<void> {
  while (gateway.exitCode === null) {
    const isReady = await fetch(`http://127.0.0.1:${PORT}/readyz`).then(
      ({ ok }) => ok,
      () => false,
    )
    if (isReady) return
    await pause(100)
  }
  throw new Error(`The gateway on port ${PORT} did not start.`)
}

async function connect(): Promise<void> {
  const query = `mutation ($input: CreateConnectionInput!) {
    createConnection(input: $input) { __typename ... on UserError { message } }
  }`
  const input = {
    ...{ name: 'simulated-region', provider: 'BAIDU', region: 'bj', endpoint: region.url.href },
    credentials: { baiduKey: BAIDU_KEY },
  }
  const response = await fetch(`http://127.0.0.1:${PORT}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query, variables: { input } }),
  })
  const text = await response.text()
  if (!text.includes('CreateConnectionPayload')) throw new Error(text)
}

function instructions(): string {
  const at = `http://localhost:${PORT + 2}`
  const names = Object.entries(SWITCHES).map(([name, { is }]) => `   ${name.padEnd(20)} ${is}`)
  return `
Gateway:  http://localhost:${PORT} (console and GraphiQL), with disks of its own and of a simulated region of Baidu AI Cloud
Region:   ${region.url.href} (a snapshot takes ${COPY_MS / 1_000} s)

Switch faults on and off, and list them:
   curl -X PUT ${at}/throttled/on
   curl -X PUT ${at}/throttled/off
   curl ${at}
${names.join('\n')}

Make a snapshot as somebody else would, outside of the gateway:
   curl -X POST ${at}/outside

Let the region run its policy "nightly", which the gateway shows and does not run:
   curl -X POST ${at}/policy

Ctrl-C stops everything and deletes its data.`
}
