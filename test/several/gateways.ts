import { randomInt } from 'node:crypto'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { SignJWT } from 'jose'
import { writeImage } from '../support/app.ts'
import { postGraphql } from '../support/clients.ts'
import { goodClaims } from '../support/issuer.ts'
import type { Whereabouts } from '../support/outlasting.ts'
import { startGateway, type Gateway } from '../support/process.ts'
import { freePort } from '../support/redis.ts'

const REGISTER = `mutation ($path: String!, $name: String!) {
  registerDisk(input: { path: $path, name: $name, kind: DATA }) { ... on RegisterDiskPayload { disk { id } } }
}`

const SECRET = 'a-secret-of-at-least-32-characters-for-tests'

/**
 * Gateways in processes of their own, on one database and one storage. Each keeps its port, however often it is killed and
 * started again. They trust the tokens of `headersOf`.
 */
export async function startGateways(
  count: number,
  databaseUrl: string,
  settings: Record<string, string> = {},
) {
  await using stack = new AsyncDisposableStack()
  const dataDir = await mkdtemp(join(tmpdir(), 'snapgate-several-'))
  stack.defer(() => rm(dataDir, { recursive: true }))
  await mkdir(join(dataDir, 'disks'))
  const ports: number[] = []
  for (let index = 0; index < count; index++) ports.push(await freePort())
  const start = (index: number) =>
    startGateway({
      DATABASE_URL: databaseUrl,
      DATA_DIR: dataDir,
      DEMO: 'false',
      LEASE_MS: '1000',
      JWT_ISSUER: 'https://issuer.example',
      JWT_AUDIENCE: 'snapgate',
      JWT_SECRET: SECRET,
      ...settings,
      PORT: String(ports[index]),
    })
  const gateways: Gateway[] = []
  stack.defer(async () => {
    await Promise.all(gateways.map((gateway) => gateway.stop('SIGKILL')))
  })
  for (let index = 0; index < count; index++) gateways.push(await start(index))
  const started = stack.move()
  const endpoints = ports.map((port) => `http://127.0.0.1:${port}/graphql`)
  return {
    dataDir,
    ports,
    endpoints,
    gateways,
    /** Each request that asks for the endpoint goes to a gateway of its own choice. */
    anywhere: (): Whereabouts => ({
      over: false,
      get endpoint() {
        return endpoints[randomInt(count)] ?? ''
      },
    }),
    /** Registers a disk without data, with an image of its own; its id. */
    async disk(name: string, headers: Record<string, string>): Promise<string> {
      const path = join(dataDir, 'disks', `${name}.img`)
      await writeImage(path, 1, 0)
      const { data } = await postGraphql(endpoints[0] ?? '', REGISTER, { path, name }, headers)
      return data.registerDisk.disk.id as string
    },
    /** Where the streams of an account are now. */
    async cursor(headers: Record<string, string>): Promise<string> {
      const query = '{ snapshots(first: 0) { streamCursor } }'
      const { data } = await postGraphql(endpoints[0] ?? '', query, {}, headers)
      return data.snapshots.streamCursor as string
    },
    start: async (index: number): Promise<void> => {
      gateways[index] = await start(index)
    },
    [Symbol.asyncDispose]: () => started.disposeAsync(),
  }
}

/** What a program of an administrator of this account sends. */
export async function headersOf(account: string): Promise<{ authorization: string }> {
  const token = await new SignJWT({ ...goodClaims(), account, role: 'admin' })
    .setProtectedHeader({ alg: 'HS256' })
    .sign(new TextEncoder().encode(SECRET))
  return { authorization: `Bearer ${token}` }
}
