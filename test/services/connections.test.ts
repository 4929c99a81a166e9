import { inspect } from 'node:util'
import { expect, test } from 'vitest'
import { CONNECTIONS_MAX } from '../../src/domain/connection.ts'
import { createConnectionService, sealAnew } from '../../src/services/connections.ts'
import { Sealing } from '../../src/services/sealing.ts'
import { startTestApp } from '../support/app.ts'
import { BAIDU_KEY, baiduDialect } from '../support/fake-cloud/baidu.ts'
import { APPLICATION_CREDENTIAL, cinderDialect } from '../support/fake-cloud/cinder.ts'
import { FakeCloud } from '../support/fake-cloud/engine.ts'
import { serve } from '../support/fake-cloud/server.ts'

const KEY = Buffer.alloc(32, 1).toString('base64')
const NEW_KEY = Buffer.alloc(32, 2).toString('base64')
const SECRETS = [BAIDU_KEY.secretAccessKey, APPLICATION_CREDENTIAL.secret, KEY]

const CONNECTION = 'connection { id name provider region state stateReason stateReasons { code facts } }'
const REFUSAL = '... on UserError { code message }'
const PROBLEM = '... on ConnectionCredentialsRefused { problem }'
const CREATE = `mutation ($input: CreateConnectionInput!) {
  answer: createConnection(input: $input) { ... on CreateConnectionPayload { ${CONNECTION} } ${REFUSAL} ${PROBLEM} }
}`
const UPDATE = `mutation ($input: UpdateConnectionInput!) {
  answer: updateConnection(input: $input) { ... on UpdateConnectionPayload { ${CONNECTION} } ${REFUSAL} }
}`
const TEST = `mutation ($id: ID!) {
  answer: testConnection(input: { connectionId: $id }) { ... on TestConnectionPayload { ${CONNECTION} } ${REFUSAL} }
}`
const DELETE = `mutation ($id: ID!) {
  answer: deleteConnection(input: { connectionId: $id }) { ... on DeleteConnectionPayload { connectionId } ${REFUSAL} }
}`

/** A gateway that may call a simulated region of Baidu. */
async function start(environment: Record<string, string> = {}, variables: Record<string, string> = {}) {
  const cloud = new FakeCloud()
  const server = await serve(cloud, baiduDialect())
  const settings = {
    CREDENTIALS_KEY: KEY,
    UPSTREAM_HOSTS: server.url.host,
    LOG_LEVEL: 'trace',
    ...environment,
  }
  const app = await startTestApp(settings, { environment: variables, now: () => new Date(cloud.now()) })
  const input = {
    name: 'production',
    provider: 'BAIDU',
    region: 'bj',
    endpoint: server.url.href,
    credentials: { baiduKey: BAIDU_KEY },
  }
  return {
    app,
    cloud,
    server,
    input,
    async create(more: object = {}, ask = app.graphql) {
      const { data, errors } = await ask(CREATE, { input: { ...input, ...more } })
      return errors ?? data.answer
    },
    async test(id: string) {
      const { data, errors } = await app.graphql(TEST, { id })
      return errors ?? data.answer
    },
    async [Symbol.asyncDispose]() {
      // Whatever was done: no secret is in the database, or in the log.
      const rows = await app.db.connection.findMany()
      for (const secret of SECRETS) expect(inspect([rows, app.logged], { depth: 9 })).not.toContain(secret)
      await app[Symbol.asyncDispose]()
      await server[Symbol.asyncDispose]()
    },
  }
}

test('a connection is created, tested, listed and deleted, and its credentials are never shown', async () => {
  await using gateway = await start()
  const { app, cloud } = gateway
  cloud.disk('v', 'Available')
  const { connection } = await gateway.create()
  expect(connection).toEqual({
    id: expect.stringMatching(/^con-/),
    name: 'production',
    provider: 'BAIDU',
    region: 'bj',
    state: 'UNTRIED',
    stateReason: null,
    stateReasons: [],
  })
  expect(cloud.calls).toEqual([])

  expect(await gateway.test(connection.id)).toEqual({ connection: { ...connection, state: 'OK' } })
  expect(cloud.calls).toEqual(['GET /v2/volume'])

  const list = `{ connections { totalCount nodes { id name provider region state stateReason stateReasons { code facts } } } }`
  const listed = await app.graphql(list)
  expect(listed.data).toEqual({ connections: { totalCount: 1, nodes: [{ ...connection, state: 'OK' }] } })
  const ONE = 'query ($id: ID!) { node(id: $id) { ... on Connection { name } } }'
  expect((await app.graphql(ONE, { id: connection.id })).data).toEqual({ node: { name: 'production' } })
  const types = `{ __type(name: "Connection") { fields { name } } }`
  const fields = JSON.stringify(await app.graphql(types)).replace(/credentials(ExpireAt|WarnAt)/g, '')
  expect(fields).not.toMatch(/credential|secret|seal|reference/i)

  const deleted = await app.graphql(DELETE, { id: connection.id })
  expect(deleted.data.answer).toEqual({ connectionId: connection.id })
  expect((await gateway.test(connection.id)).code).toBe('CONNECTION_NOT_FOUND')
})

test('the state says why the cloud does not answer, since when, and that it does again', async () => {
  await using gateway = await start()
  const { app, cloud, input } = gateway
  const { connection } = await gateway.create()
  const stateOf = async () => {
    const answer = await gateway.test(connection.id)
    return [answer.connection.state, answer.connection.stateReason]
  }
  const reasonsOf = async () => (await gateway.test(connection.id)).connection.stateReasons
  cloud.faults.everything = { status: 503, body: '', headers: { 'retry-after': '7' } }
  expect(await stateOf()).toEqual(['UNREACHABLE', expect.stringContaining('503')])
  const { stateSince } = await app.db.connection.findUniqueOrThrow({ where: { id: connection.id } })
  cloud.advance(60_000)
  expect(await stateOf()).toEqual(['UNREACHABLE', expect.stringContaining('503')])
  expect(await app.db.connection.findUniqueOrThrow({ where: { id: connection.id } })).toMatchObject({
    stateSince,
  })

  expect(await reasonsOf()).toEqual([{ code: 'OTHER', facts: [expect.stringContaining('503')] }])

  cloud.faults.everything = { status: 429, body: '' }
  expect(await stateOf()).toEqual(['THROTTLED', expect.any(String)])
  cloud.faults.everything = undefined
  expect(await stateOf()).toEqual(['OK', null])

  const wrong = { baiduKey: { ...BAIDU_KEY, accessKeyId: 'someone-else' } }
  const changed = await app.graphql(UPDATE, { input: { connectionId: connection.id, credentials: wrong } })
  expect(changed.data.answer.connection).toMatchObject({
    name: input.name,
    state: 'UNTRIED',
    stateReason: null,
  })
  expect(await stateOf()).toEqual(['CREDENTIALS_REFUSED', expect.stringContaining('InvalidAccessKeyId')])
})

test('connections are filtered by their state', async () => {
  await using gateway = await start()
  const { app, cloud } = gateway
  const ok = await gateway.create()
  await gateway.test(ok.connection.id)
  const down = await gateway.create()
  cloud.faults.everything = { status: 503, body: '' }
  await gateway.test(down.connection.id)
  const idsIn = async (state: object) => {
    const { data } = await app.graphql(
      `query ($state: ConnectionStateFilter) { connections(filter: { state: $state }) { totalCount nodes { id } } }`,
      { state },
    )
    return data.connections
  }
  expect(await idsIn({ eq: 'OK' })).toEqual({ totalCount: 1, nodes: [{ id: ok.connection.id }] })
  const troubles = ['UNTRIED', 'UNREACHABLE', 'THROTTLED']
  expect(await idsIn({ in: troubles })).toEqual({ totalCount: 1, nodes: [{ id: down.connection.id }] })
  expect(await idsIn({ in: ['THROTTLED'] })).toEqual({ totalCount: 0, nodes: [] })
})

test('those who test a connection at once share one call', async () => {
  await using gateway = await start()
  const { connection } = await gateway.create()
  await Promise.all(Array.from({ length: 20 }, () => gateway.test(connection.id)))
  expect(gateway.cloud.calls.length).toBeLessThan(20)
})

test('calls of a cloud are measured by their outcome, and no metric has a secret', async () => {
  await using gateway = await start({ METRICS: '127.0.0.1:0' })
  const { connection } = await gateway.create()
  await gateway.test(connection.id)
  gateway.cloud.faults.everything = { status: 429, body: '' }
  await gateway.test(connection.id)
  const text = await (await fetch(gateway.app.metricsUrl ?? '')).text()
  for (const outcome of ['done', 'throttled'])
    expect(text).toContain(
      `snapgate_provider_call_duration_seconds_count{provider="baidu",operation="listDisks",outcome="${outcome}"} 1`,
    )
  for (const secret of [...SECRETS, BAIDU_KEY.accessKeyId]) expect(text).not.toContain(secret)
})

test('a project of OpenStack is connected by an application credential', async () => {
  const cloud = new FakeCloud()
  await using server = await serve(cloud, cinderDialect())
  await using gateway = await start({ UPSTREAM_HOSTS: server.url.host })
  const { id, secret } = APPLICATION_CREDENTIAL
  const openstack = {
    provider: 'CINDER',
    region: 'RegionOne',
    endpoint: new URL('/identity', server.url).href,
    credentials: { applicationCredential: { id, secret } },
  }
  const { connection } = await gateway.create(openstack)
  expect((await gateway.test(connection.id)).connection.state).toBe('OK')
  expect(await gateway.create({ ...openstack, endpoint: null })).toMatchObject({
    code: 'ENDPOINT_NOT_ALLOWED',
  })
})

test.each([
  'http://169.254.169.254/',
  'https://169.254.169.254/',
  'http://127.0.0.1:1/',
  'https://bcc.bj.baidubce.com.example.com/',
  'https://user:password@bcc.bj.baidubce.com/',
  'http://bcc.bj.baidubce.com/',
])('a tenant cannot make the gateway call %s', async (endpoint) => {
  await using gateway = await start()
  expect(await gateway.create({ endpoint })).toMatchObject({ code: 'ENDPOINT_NOT_ALLOWED' })
})

test.each([['bj.example.com/'], ['bj/../x'], [''], ['x'.repeat(64)]])(
  'the region %j, which would be a part of a host, is malformed',
  async (region) => {
    await using gateway = await start()
    const [{ message, extensions }] = await gateway.create({ region, endpoint: null })
    expect([extensions.code, extensions.arguments, message]).toEqual([
      'BAD_USER_INPUT',
      ['input.region'],
      expect.stringMatching(/^region must have 1–63/),
    ])
  },
)

test.each([
  [{ region: '' }, ['input.region']],
  [{ endpoint: 'here' }, ['input.endpoint']],
  [
    { region: '', credentials: { baiduKey: { ...BAIDU_KEY, secretAccessKey: '' } } },
    ['input.region', 'input.credentials.baiduKey.secretAccessKey'],
  ],
])('malformed input such as %j names the arguments that are wrong', async (more, paths) => {
  await using gateway = await start()
  const [{ extensions }] = await gateway.create(more)
  expect(new Set(extensions.arguments)).toEqual(new Set(paths))
})

test('an account references the credentials that its operator allows it, and no others', async () => {
  const CREDENTIAL_REFERENCES = 'env:SHARED,acme=env:OF_ACME,env:MISSING'
  const variables = {
    SHARED: JSON.stringify(BAIDU_KEY),
    OF_ACME: JSON.stringify(BAIDU_KEY),
    DATABASE_URL: 'x',
  }
  await using gateway = await start({ CREDENTIAL_REFERENCES }, variables)
  const acme = await gateway.app.token('ADMIN', 'acme')
  const local = await gateway.app.token('ADMIN')
  const outcome = async (reference: string, ask = local.graphql) => {
    const answer = await gateway.create({ credentials: { reference } }, ask)
    if (!answer.connection) return answer.problem
    return (await ask(TEST, { id: answer.connection.id })).data.answer.connection
  }
  expect(await outcome('env:SHARED')).toMatchObject({ state: 'OK' })
  expect(await outcome('env:OF_ACME', acme.graphql)).toMatchObject({ state: 'OK' })
  for (const reference of ['env:OF_ACME', 'env:DATABASE_URL', 'file:/etc/passwd', 'SHARED', 'env:SHARED,'])
    expect(await outcome(reference)).toBe('REFERENCE_NOT_ALLOWED')
  expect(await outcome('env:MISSING')).toMatchObject({
    state: 'CREDENTIALS_REFUSED',
    stateReason: 'The environment has no variable MISSING.',
  })
})

test('credentials for another provider, or that cannot be encrypted, are refused', async () => {
  await using gateway = await start()
  const { id, secret } = APPLICATION_CREDENTIAL
  expect(await gateway.create({ credentials: { applicationCredential: { id, secret } } })).toMatchObject({
    code: 'CONNECTION_CREDENTIALS_REFUSED',
    problem: 'OTHER_PROVIDER',
  })
  const empty = await gateway.create({ credentials: { baiduKey: { accessKeyId: 'a', secretAccessKey: '' } } })
  expect(empty[0].extensions.code).toBe('BAD_USER_INPUT')
  await using keyless = await start({ CREDENTIALS_KEY: '' })
  expect(await keyless.create()).toMatchObject({ problem: 'NO_KEY' })
})

test('only an admin changes connections, and an account has a limited number of them', async () => {
  await using gateway = await start()
  const { app } = gateway
  const admin = await app.token('ADMIN')
  const operator = await app.token('OPERATOR')
  const [refused] = await gateway.create({}, operator.graphql)
  expect(refused.extensions.code).toBe('FORBIDDEN')
  for (let count = 0; count < CONNECTIONS_MAX; count++) await gateway.create({}, admin.graphql)
  expect(await gateway.create({}, admin.graphql)).toEqual({
    code: 'CONNECTION_LIMIT_EXCEEDED',
    message: `Limit of ${CONNECTIONS_MAX} connections reached. Delete one first.`,
  })
})

test('keys are rotated: both open, the new one seals, and then the old one is not needed', async () => {
  await using gateway = await start()
  const { app, server } = gateway
  const { connection } = await gateway.create()
  const service = (...keys: string[]) =>
    createConnectionService({
      db: app.db,
      sealing: new Sealing(keys),
      upstreamHosts: [server.url.host],
      references: [],
      environment: {},
      now: app.now,
      newId: app.newId,
    })
  const stateWith = async (...keys: string[]) =>
    (await service(...keys).test(app.viewer, connection.id)).state
  expect(await stateWith(NEW_KEY)).toBe('CREDENTIALS_REFUSED')
  expect(await sealAnew(app.db, new Sealing([NEW_KEY]))).toEqual({ sealed: 0, unopened: 1 })
  expect(await stateWith(NEW_KEY, KEY)).toBe('OK')
  expect(await sealAnew(app.db, new Sealing([NEW_KEY, KEY]))).toEqual({ sealed: 1, unopened: 0 })
  expect(await sealAnew(app.db, new Sealing([NEW_KEY, KEY]))).toEqual({ sealed: 0, unopened: 0 })
  expect(await stateWith(NEW_KEY)).toBe('OK')
  expect(await stateWith(KEY)).toBe('CREDENTIALS_REFUSED')
})

test('a sealed secret opens for its own connection and account only, and unchanged only', () => {
  const sealing = new Sealing([KEY])
  const owner = { id: 'con-1', accountId: 'acc-1' }
  const sealed = sealing.seal('a secret', owner) ?? { sealed: '', sealKey: '' }
  expect(sealing.open(sealed, owner)).toBe('a secret')
  expect(sealing.open(sealed, { ...owner, id: 'con-2' })).toBeUndefined()
  expect(sealing.open(sealed, { ...owner, accountId: 'acc-2' })).toBeUndefined()
  const bytes = Buffer.from(sealed.sealed, 'base64')
  bytes.writeUInt8(bytes.readUInt8(bytes.length - 1) ^ 1, bytes.length - 1)
  expect(sealing.open({ ...sealed, sealed: bytes.toString('base64') }, owner)).toBeUndefined()
  expect(sealing.open({ ...sealed, sealed: '' }, owner)).toBeUndefined()
  expect(sealing.seal('a secret', owner)).not.toEqual(sealed)
})
