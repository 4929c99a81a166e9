import { startTestApp, type TestApp } from './app.ts'
import { BAIDU_KEY, baiduDialect } from './fake-cloud/baidu.ts'
import { APPLICATION_CREDENTIAL, cinderDialect } from './fake-cloud/cinder.ts'
import { FakeCloud } from './fake-cloud/engine.ts'
import { serve } from './fake-cloud/server.ts'

export const KEY = Buffer.alloc(32, 1).toString('base64')
export const SECRETS = [BAIDU_KEY.secretAccessKey, APPLICATION_CREDENTIAL.secret, KEY]

const CLOUDS = {
  baidu: {
    prefix: { disk: 'v', snapshot: 's' },
    words: { free: 'Available', inUse: 'InUse', busy: 'SnapshotProcessing' },
    dialect: baiduDialect,
    input: { provider: 'BAIDU', region: 'bj', credentials: { baiduKey: BAIDU_KEY } },
    path: '',
  },
  cinder: {
    prefix: { disk: '', snapshot: '' },
    words: { free: 'available', inUse: 'in-use', busy: 'backing-up' },
    dialect: cinderDialect,
    input: {
      provider: 'CINDER',
      region: 'RegionOne',
      credentials: {
        applicationCredential: { id: APPLICATION_CREDENTIAL.id, secret: APPLICATION_CREDENTIAL.secret },
      },
    },
    path: 'identity',
  },
} as const

export type CloudName = keyof typeof CLOUDS
export const CLOUD_NAMES = Object.keys(CLOUDS) as CloudName[]

const CREATE = `mutation ($input: CreateConnectionInput!) {
  createConnection(input: $input) { ... on CreateConnectionPayload { connection { id } } ... on UserError { message } }
}`

/** Creates a connection; its id. */
export async function connect({ graphql }: Pick<TestApp, 'graphql'>, input: object): Promise<string> {
  const { data, errors } = await graphql(CREATE, { input: { name: 'production', ...input } })
  const id = data?.createConnection.connection?.id as string | undefined
  if (id === undefined) throw new Error(JSON.stringify(errors ?? data))
  return id
}

/** What a connection to a simulated cloud is created with. */
export function destinationOf(name: CloudName, server: URL): object {
  const { input, path } = CLOUDS[name]
  return { ...input, endpoint: new URL(path, server).href }
}

export type CloudGateway = Awaited<ReturnType<typeof startCloudGateway>>

/**
 * A gateway with a connection to a simulated cloud, which share a clock that stands still until it is advanced. `poll` does what
 * the gateway does by itself in the course of time. No secret may be in the log.
 */
export async function startCloudGateway(
  name: CloudName,
  environment: Record<string, string> = {},
  {
    seed = 1,
    background = false,
    onStatement,
  }: { seed?: number; background?: boolean; onStatement?: (sql: string) => void } = {},
) {
  const { prefix, words, dialect } = CLOUDS[name]
  const cloud = new FakeCloud(seed)
  const server = await serve(cloud, dialect())
  const settings = {
    CREDENTIALS_KEY: KEY,
    UPSTREAM_HOSTS: server.url.host,
    CLOUD_CALLS_PER_SECOND: '1000',
    ...environment,
  }
  const now = () => new Date(cloud.now())
  const app = await startTestApp(settings, {
    now,
    background,
    ...(onStatement && { onStatement }),
    ...(background && { steadyMs: () => performance.now() }),
  })
  app.keepSecret(...SECRETS)
  const connectionId = await connect(app, destinationOf(name, server.url))
  return {
    app,
    cloud,
    server,
    words,
    connectionId,
    settings,
    dataDir: app.dataDir,
    /** A disk in the cloud that can be snapshotted. */
    disk: (more: Parameters<FakeCloud['disk']>[2] = {}) => cloud.disk(prefix.disk, words.free, more),
    /** A snapshot that somebody makes in the cloud. */
    outside: (diskId: string, more: Parameters<FakeCloud['snapshot']>[2] = {}) =>
      cloud.snapshot(prefix.snapshot, diskId, more),
    /** Lets this much time pass, and has the gateway look at everything. */
    async poll(ms = 0): Promise<void> {
      cloud.advance(ms)
      await app.poller.tick()
    },
    /** The row of a disk or snapshot by the cloud's id. */
    diskRow: (externalId: string) => app.db.disk.findFirst({ where: { connectionId, externalId } }),
    snapshotRow: (externalId: string) => app.db.snapshot.findFirst({ where: { connectionId, externalId } }),
    async [Symbol.asyncDispose]() {
      await app[Symbol.asyncDispose]()
      await server[Symbol.asyncDispose]()
    },
  }
}
