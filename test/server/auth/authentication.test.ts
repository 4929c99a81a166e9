import { request } from 'node:http'
import { SignJWT } from 'jose'
import { describe, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { startTestApp, type TestApp } from '../../support/app.ts'
import { goodClaims } from '../../support/issuer.ts'

const BY_SECRET = {
  JWT_ISSUER: 'https://issuer.example',
  JWT_AUDIENCE: 'snapgate',
  JWT_SECRET: 'a secret of at least 32 bytes, shared',
}
const VIEWER = '{ viewer { account { name } role expiresAt } }'

/** The answer to a request at the level of HTTP. */
async function send(
  { url }: TestApp,
  path: string,
  headers: Record<string, string> = {},
  body?: string,
): Promise<{ status: number; challenge: string | undefined; body: any }> {
  return new Promise((resolve, reject) => {
    const sent = request(`${url}${path}`, {
      method: body === undefined ? 'GET' : 'POST',
      headers: { ...(body !== undefined && { 'content-type': 'application/json' }), ...headers },
      agent: false,
    })
    sent.on('error', reject).on('response', (response) => {
      let text = ''
      response
        .setEncoding('utf8')
        .on('data', (chunk: string) => (text += chunk))
        .on('end', () => {
          const isJson = /json/.test(response.headers['content-type'] ?? '')
          resolve({
            status: response.statusCode ?? 0,
            challenge: response.headers['www-authenticate'],
            body: isJson ? JSON.parse(text) : text,
          })
        })
    })
    sent.end(body)
  })
}

/** How a socket ends that introduces itself so; `open` when it is acknowledged. */
async function introduce({ endpoint }: TestApp, payload?: unknown): Promise<'open' | [number, string]> {
  const socket = new WebSocket(endpoint.replace('http', 'ws'), 'graphql-transport-ws')
  return new Promise((resolve, reject) => {
    socket.on('error', reject)
    socket.on('open', () => socket.send(JSON.stringify({ type: 'connection_init', payload })))
    socket.on('close', (code, reason) => resolve([code, reason.toString()]))
    socket.on('message', () => {
      resolve('open')
      socket.terminate()
    })
  })
}

/** The status with which a WebSocket is refused at its opening; 101 when it is not. */
async function upgrade(url: string, headers: Record<string, string>): Promise<number> {
  const socket = new WebSocket(url.replace('http', 'ws'), 'graphql-transport-ws', { headers })
  return new Promise((resolve) => {
    socket.on('error', () => undefined)
    socket.on('unexpected-response', (_request, response) => resolve(response.statusCode ?? 0))
    socket.on('open', () => {
      resolve(101)
      socket.terminate()
    })
  })
}

const JSON_BODY = JSON.stringify({ query: VIEWER })
const requestId = expect.stringMatching(/^[0-9a-f-]{36}$/)
const refusal = (code: string, message: string) => ({
  errors: [{ message, extensions: { code, requestId } }],
})

describe('an API token', () => {
  test('is let in, over HTTP and WebSocket, as its account with its role', async () => {
    await using app = await startTestApp()
    const viewer = await app.token('VIEWER', 'tenant', 30)
    await using client = viewer.webSocket()

    const whom = {
      viewer: { account: { name: 'tenant' }, role: 'VIEWER', expiresAt: viewer.expiresAt?.toISOString() },
    }
    expect((await viewer.graphql(VIEWER)).data).toEqual(whom)
    expect(await Array.fromAsync(client.iterate({ query: VIEWER }))).toMatchObject([{ data: whom }])
  })

  test.each<[string, (token: string) => string, message: string]>([
    [
      'that is cut short',
      (token) => token.slice(0, -1),
      'The API token is mistyped or truncated. Send all of it.',
    ],
    [
      'that is mistyped',
      (token) => token.replace(/.(?=.{9}$)/, (char) => (char === 'a' ? 'b' : 'a')),
      'The API token is mistyped or truncated. Send all of it.',
    ],
  ])('%s is refused', async (_what, change, message) => {
    await using app = await startTestApp()
    const { token } = await app.token()
    const authorization = `Bearer ${change(token)}`

    expect(await send(app, '/graphql', { authorization }, JSON_BODY)).toEqual({
      status: 401,
      challenge: 'Bearer realm="snapgate", error="invalid_token"',
      body: refusal('UNAUTHENTICATED', message),
    })
    expect(await introduce(app, { authorization })).toEqual([4403, message])
  })

  test('of another gateway, however well it is made, is refused', async () => {
    await using other = await startTestApp()
    await using app = await startTestApp({ REQUIRE_CREDENTIALS: 'true' })
    const { token } = await other.token()
    const authorization = `Bearer ${token}`

    const { status, body } = await send(app, '/graphql', { authorization }, JSON_BODY)
    expect([status, body.errors[0].message]).toEqual([401, 'API token not found. Use another one.'])
    expect(await introduce(app, { authorization })).toEqual([4403, 'API token not found. Use another one.'])
  })

  test('that has expired is refused', async () => {
    let now = new Date('2026-01-01T00:00:00Z')
    await using app = await startTestApp({}, { now: () => now })
    const admin = await app.token('ADMIN', 'local', 1)
    now = new Date('2026-01-01T23:59:59.999Z')
    expect((await admin.graphql(VIEWER)).status).toBe(200)

    now = new Date('2026-01-02T00:00:00Z')
    const { status, errors } = await admin.graphql(VIEWER)

    expect([status, errors?.[0]?.message]).toEqual([401, 'The credential has expired. Use a new one.'])
  })

  test('is stored as a digest only, and its last use is noted', async () => {
    await using app = await startTestApp()
    const { id, token, graphql } = await app.token()
    await graphql(VIEWER)
    await app.credentials.noteUse()

    const row = await app.db.apiToken.findUniqueOrThrow({ where: { id } })
    expect(token).toMatch(/^sg_[0-9A-Za-z]{49}$/)
    expect(row.hash).toMatch(/^[0-9a-f]{64}$/)
    expect(JSON.stringify(row)).not.toContain(token.slice(3, 20))
    expect(row.lastUsedAt?.getTime()).toBeGreaterThanOrEqual(row.createdAt.getTime())
  })

  test('in use costs no statement for each request', async () => {
    const statements: string[] = []
    await using app = await startTestApp(
      { LOG_POLL_MS: '60000' },
      { onStatement: (sql) => statements.push(sql) },
    )
    const { graphql } = await app.token()
    await graphql(VIEWER)
    statements.length = 0

    for (let i = 0; i < 20; i++) await graphql('{ __typename }')

    expect(statements).toEqual([])
  })
})

describe('without a credential', () => {
  test('nobody is let in once there is one, and everybody on this machine before', async () => {
    await using app = await startTestApp()
    const local = { viewer: { account: { name: 'local' }, role: 'ADMIN', expiresAt: null } }
    expect((await app.graphql(VIEWER)).data).toEqual(local)
    expect(await introduce(app)).toBe('open')

    const { id, graphql } = await app.token()
    const message = 'A credential is required. Send authorization: Bearer <token>.'
    expect(await send(app, '/graphql', {}, JSON_BODY)).toEqual({
      status: 401,
      challenge: 'Bearer realm="snapgate"',
      body: refusal('UNAUTHENTICATED', message),
    })
    expect(await introduce(app)).toEqual([4403, message])

    // Not by losing the last token either, nor by starting again.
    await graphql('mutation ($id: ID!) { revokeApiToken(input: { id: $id }) { __typename } }', { id })
    expect((await app.graphql(VIEWER)).status).toBe(401)
    await using again = await startTestApp({ DATA_DIR: app.dataDir })
    expect((await again.graphql(VIEWER)).status).toBe(401)
  })

  test('nobody is let in where one is required', async () => {
    await using app = await startTestApp({ REQUIRE_CREDENTIALS: 'true' })

    expect((await app.graphql(VIEWER)).status).toBe(401)
    expect(await introduce(app)).toEqual([4403, expect.any(String)])
  })

  test.each<[string, Record<string, string>]>([
    ['nothing', {}],
    ['a password', { authorization: 'Basic dXNlcjpwYXNz' }],
    ['an empty bearer', { authorization: 'Bearer ' }],
    ['two tokens', { authorization: 'Bearer a b' }],
    ['something else', { authorization: 'Bearer something' }],
    ['something endless', { authorization: `Bearer ${'a'.repeat(9_000)}` }],
    ['a cookie', { cookie: 'authorization=Bearer%20sg_x; token=sg_x' }],
  ])('%s is refused with a challenge, before the body is looked at', async (_what, headers) => {
    await using app = await startTestApp({ REQUIRE_CREDENTIALS: 'true' })
    for (const body of [JSON_BODY, '{', '']) {
      const { status, challenge } = await send(
        app,
        '/graphql',
        { 'content-type': 'text/plain', ...headers },
        body,
      )
      expect([status, challenge]).toEqual([401, expect.stringContaining('Bearer')])
    }
  })

  test('a good token in a cookie is no credential', async () => {
    await using app = await startTestApp()
    const { token } = await app.token()

    const { status } = await send(
      app,
      '/graphql',
      { cookie: `authorization=Bearer ${token}; token=${token}` },
      JSON_BODY,
    )

    expect(status).toBe(401)
  })

  test.each<[spelling: string, payload: (token: string) => unknown]>([
    ['authorization', (token) => ({ authorization: `Bearer ${token}` })],
    ['Authorization', (token) => ({ Authorization: `Bearer ${token}` })],
    ['headers.authorization', (token) => ({ headers: { authorization: `Bearer ${token}` } })],
    ['headers.Authorization', (token) => ({ headers: { Authorization: `bearer ${token}` } })],
    ['authToken', (token) => ({ authToken: token })],
    ['authToken with its scheme', (token) => ({ authToken: `Bearer ${token}` })],
  ])('connection_init may spell the credential %s', async (_spelling, payload) => {
    await using app = await startTestApp({ REQUIRE_CREDENTIALS: 'true' })
    const { token } = await app.token()

    expect(await introduce(app, payload(token))).toBe('open')
    expect(await introduce(app, payload(`${token}x`))).toEqual([4403, expect.stringMatching(/mistyped/)])
  })

  test.each([
    ...[undefined, {}, { authorization: 7 }, { authorization: ['Bearer x'] }, { token: 'x' }],
    ...[{ headers: 'Bearer x' }, { headers: { authToken: 'x' } }, { authToken: {} }],
  ])('connection_init with %j closes the socket with 4403', async (payload) => {
    await using app = await startTestApp({ REQUIRE_CREDENTIALS: 'true' })

    expect(await introduce(app, payload)).toEqual([4403, expect.stringMatching(/credential/)])
  })

  test('health and GraphiQL are there, which then shows nothing of the local account', async () => {
    await using app = await startTestApp()
    const disk = await app.disk()
    await using closed = await startTestApp({ REQUIRE_CREDENTIALS: 'true', DATA_DIR: app.dataDir })

    const page = await send(closed, '/graphql', { accept: 'text/html' })
    expect((await send(closed, '/healthz')).status).toBe(200)
    expect((await send(closed, '/readyz')).status).toBe(200)
    expect(page.status).toBe(200)
    expect(page.body).toContain('Bearer <token>'.replace('<', '\\u003c'))
    expect(page.body).not.toContain(disk.id)
  })
})

test('only credentials that may have been guessed use up the budget of an address, and all others get their true answer after it', async () => {
  let now = new Date()
  await using other = await startTestApp()
  await using app = await startTestApp({ RATE_FAILED_AUTHENTICATIONS: '3', ...BY_SECRET }, { now: () => now })
  const valid = await app.token()
  const unused = await app.token()
  const revoked = await app.token()
  const expiring = await app.token('ADMIN', 'local', 1)
  await app.tokens.revoke(app.viewer, revoked.id)
  now = new Date(now.getTime() + 86_400_000)
  const guess = (await other.token()).token
  const jwt = await new SignJWT(goodClaims())
    .setProtectedHeader({ alg: 'HS256' })
    .sign(Buffer.from(BY_SECRET.JWT_SECRET))
  const expired = await new SignJWT({ ...goodClaims(), exp: 1 })
    .setProtectedHeader({ alg: 'HS256' })
    .sign(Buffer.from(BY_SECRET.JWT_SECRET))
  const statusOf = async (authorization?: string) =>
    (await send(app, '/graphql', authorization === undefined ? {} : { authorization }, JSON_BODY)).status
  const truths: [authorization: string | undefined, status: number][] = [
    [undefined, 401],
    ['', 401],
    ['Basic dXNlcjpwYXNz', 401],
    ['Bearer something', 401],
    [`Bearer ${guess.slice(0, -1)}`, 401],
    [`Bearer ${revoked.token}`, 401],
    [`Bearer ${expiring.token}`, 401],
    [`Bearer ${expired}`, 401],
    [`Bearer ${valid.token}`, 200],
    [`Bearer ${jwt}`, 200],
  ]

  for (const [authorization, status] of truths) {
    for (let i = 0; i < 4; i++)
      expect([authorization, await statusOf(authorization)]).toEqual([authorization, status])
  }
  for (const status of [401, 401, 401, 429, 429]) expect(await statusOf(`Bearer ${guess}`)).toBe(status)
  expect(await introduce(app, { authorization: `Bearer ${guess}` })).toEqual([1013, expect.any(String)])
  for (const [authorization, status] of truths) {
    expect([authorization, await statusOf(authorization)]).toEqual([authorization, status])
  }
  expect(await introduce(app, { authorization: `Bearer ${revoked.token}` })).toEqual([
    4403,
    expect.any(String),
  ])
  // It is read for the first time now.
  expect(await statusOf(`Bearer ${unused.token}`)).toBe(200)
})

describe('a credential in the address', () => {
  test.each([
    (token: string) => `/graphql?access_token=${token}`,
    (token: string) => `/graphql?query={__typename}&whatever=${token}`,
    () => `/graphql?token=short`,
    () => `/graphql?Authorization=Bearer%20x`,
    () => `/graphql?x=eyJhbGciOiJub25lIn0.eyJhIjoxfQ.`,
    (token: string) => `/graphql/${token}`,
  ])('is refused, and said to be lost: %s', async (address) => {
    await using app = await startTestApp({ LOG_LEVEL: 'trace' })
    const { token } = await app.token()
    const path = address(token)
    const accepts = [
      { accept: 'text/html' },
      { authorization: `Bearer ${token}`, accept: 'application/json' },
    ]

    for (const headers of accepts as Record<string, string>[]) {
      const { status, body } = await send(app, path, headers)
      expect(status).toBe(400)
      expect(body.errors[0].message).toMatch(/^A credential must not be in the address/)
      expect(JSON.stringify(body)).not.toContain(token)
    }
    expect(await upgrade(app.url + path, {})).toBe(400)
    expect(JSON.stringify(app.logged)).not.toContain(token)
  })
})

describe('a gateway without credentials', () => {
  test.each([
    'localhost',
    '127.0.0.1',
    '[::1]',
    'LOCALHOST',
    'localhost:4000',
    '127.0.0.1:80',
    '[::1]:65535',
  ])('answers as %s', async (host) => {
    await using app = await startTestApp()

    expect((await send(app, '/graphql', { host }, JSON_BODY)).status).toBe(200)
    expect(await upgrade(app.endpoint, { host })).toBe(101)
  })

  test.each([
    'rebound.example',
    'rebound.example:4000',
    'localhost.rebound.example',
    '127.0.0.1.nip.example',
    '[::1',
    'localhost:x',
    '192.168.0.1',
  ])('does not answer as %j, so that no page can have its own name lead there', async (host) => {
    await using app = await startTestApp()

    const { status, body } = await send(app, '/graphql', { host }, JSON_BODY)
    expect([status, body.errors[0].extensions.code]).toEqual([403, 'FORBIDDEN'])
    expect((await send(app, '/graphql', { host, accept: 'text/html' })).status).toBe(403)
    expect(await upgrade(app.endpoint, { host, origin: `http://${host}` })).toBe(403)
  })

  test('does not answer through a proxy, which may have written the Host anew', async () => {
    await using app = await startTestApp()
    const proxied: Record<string, string>[] = [
      { forwarded: 'for=192.0.2.1' },
      { via: '1.1 proxy' },
      { 'x-forwarded-for': '192.0.2.1' },
      { 'X-Forwarded-Host': 'snapgate.example' },
      { 'x-forwarded-proto': 'https' },
      { 'x-forwarded-server': 'proxy' },
      { 'x-forwarded-client-cert': 'Hash=0' },
      { 'x-forwarded-for': '' },
      { 'x-real-ip': '127.0.0.1' },
      { 'x-client-ip': '192.0.2.1' },
      { 'x-cluster-client-ip': '192.0.2.1' },
      { 'x-original-forwarded-for': '192.0.2.1' },
      { 'x-envoy-external-address': '192.0.2.1' },
      { 'cf-connecting-ip': '192.0.2.1' },
      { 'true-client-ip': '192.0.2.1' },
      { 'fly-client-ip': '192.0.2.1' },
      { 'cdn-loop': 'cdn' },
    ]

    for (const headers of proxied) {
      const [name = ''] = Object.keys(headers)
      const { status, body } = await send(app, '/graphql', headers, JSON_BODY)
      expect([name, status, body.errors?.[0]]).toEqual([
        name,
        403,
        {
          message: expect.stringContaining(name.toLowerCase()),
          extensions: { code: 'FORBIDDEN', requestId },
        },
      ])
      expect([name, (await send(app, '/', { ...headers, accept: 'text/html' })).status]).toEqual([name, 403])
      expect([name, await upgrade(app.endpoint, headers)]).toEqual([name, 403])
    }
    expect((await send(app, '/readyz', proxied[0])).status).toBe(200)
    const { token } = await app.token()
    for (const headers of proxied) {
      const authorization = `Bearer ${token}`
      expect((await send(app, '/graphql', { ...headers, authorization }, JSON_BODY)).status).toBe(200)
      expect(await upgrade(app.endpoint, headers)).toBe(101)
    }
  })

  test('answers under any name once credentials are required', async () => {
    await using app = await startTestApp()
    const { token } = await app.token()
    const headers = { host: 'snapgate.example', authorization: `Bearer ${token}` }

    expect((await send(app, '/graphql', headers, JSON_BODY)).status).toBe(200)
  })

  test.each(['0.0.0.0', '::', '192.0.2.1', 'snapgate.example'])('does not start on %s', async (HOST) => {
    await expect(startTestApp({ HOST })).rejects.toThrow(
      `Without credentials the gateway listens on this machine only, and HOST is ${HOST}. Do one of these:`,
    )
  })

  test.each<[string, Record<string, string>]>([
    ['required', { REQUIRE_CREDENTIALS: 'true' }],
    ['JWTs', { JWT_ISSUER: 'i', JWT_AUDIENCE: 'a', JWT_SECRET: 'a secret of 32 bytes, or even more' }],
  ])('starts on any address with credentials: %s', async (_what, environment) => {
    await using app = await startTestApp({ HOST: '0.0.0.0', ...environment })

    expect((await app.graphql(VIEWER)).status).toBe(401)
  })

  test('starts on any address when there has been a token, though it was revoked', async () => {
    await using local = await startTestApp()
    const { id } = await local.token()
    await local.tokens.revoke(local.viewer, id)

    await using app = await startTestApp({ HOST: '0.0.0.0', DATA_DIR: local.dataDir })

    expect((await app.graphql(VIEWER)).status).toBe(401)
  })
})

describe('roles', () => {
  const CREATE_SNAPSHOT =
    'mutation { createSnapshot(input: { diskId: "v-nothere00", name: "a" }) { __typename } }'
  const REGISTER = 'mutation { registerDisk(input: { path: "x", name: "a", kind: DATA }) { __typename } }'
  const TOKENS = '{ apiTokens { totalCount } }'
  const CREATE_TOKEN = 'mutation { createApiToken(input: { name: "a", role: ADMIN }) { __typename } }'
  const REVOKE = 'mutation { revokeApiToken(input: { id: "tok-nothere00" }) { __typename } }'

  test.each([
    ['VIEWER', []],
    ['OPERATOR', [CREATE_SNAPSHOT]],
    ['ADMIN', [CREATE_SNAPSHOT, REGISTER, TOKENS, CREATE_TOKEN, REVOKE]],
  ] as const)('%s may do no more than that', async (role, allowed) => {
    await using app = await startTestApp()
    const { graphql, webSocket } = await app.token(role)
    await using client = webSocket()
    const all = [CREATE_SNAPSHOT, REGISTER, TOKENS, CREATE_TOKEN, REVOKE]

    for (const query of all) {
      const { errors } = await graphql(query)
      const [overWebSocket] = await Array.fromAsync(client.iterate({ query }))
      const codes = [errors, overWebSocket?.errors].map((each) => each?.[0]?.extensions?.['code'])
      const expected = (allowed as readonly string[]).includes(query) ? undefined : 'FORBIDDEN'
      expect([query, codes]).toEqual([query, [expected, expected]])
    }
    expect((await graphql('{ disks { totalCount } viewer { role } }')).data).toEqual({
      disks: { totalCount: 0 },
      viewer: { role },
    })
  })

  test.each([
    ['VIEWER', []],
    ['OPERATOR', ['manageSnapshots', 'managePolicies']],
    ['ADMIN', ['manageSnapshots', 'managePolicies', 'manageDisks', 'manageTokens']],
  ] as const)('%s is told so beforehand, as the mutations answer it', async (role, allowed) => {
    await using app = await startTestApp()
    const { graphql } = await app.token(role)
    const mutations = {
      manageSnapshots: CREATE_SNAPSHOT,
      managePolicies:
        'mutation { deleteAutoSnapshotPolicy(input: { policyId: "asp-nothere00" }) { __typename } }',
      manageDisks: REGISTER,
      manageTokens: REVOKE,
    }

    const fields = Object.keys(mutations).map((permission) => `${permission} { allowed role }`)
    const { viewer } = (await graphql(`{ viewer { may { ${fields.join(' ')} } } }`)).data
    expect(Object.keys(viewer.may).filter((permission) => viewer.may[permission].allowed)).toEqual(allowed)
    for (const [permission, mutation] of Object.entries(mutations)) {
      const [error] = (await graphql(mutation)).errors ?? []
      expect([permission, error === undefined]).toEqual([permission, viewer.may[permission].allowed])
      if (error)
        expect(error.message).toContain(`requires the role ${viewer.may[permission].role as string};`)
    }
  })

  test('what is forbidden says which role it takes', async () => {
    await using app = await startTestApp()
    const { graphql } = await app.token('VIEWER')
    const query = 'mutation { createSnapshot(input: { diskId: "x", name: "a" }) { __typename } }'

    expect((await graphql(query)).errors).toEqual([
      {
        message: 'createSnapshot requires the role OPERATOR; this credential has VIEWER.',
        path: ['createSnapshot'],
        locations: expect.any(Array),
        extensions: { code: 'FORBIDDEN', requestId },
      },
    ])
  })
})

test('an admin makes, lists and revokes tokens of the own account by API, and sees each token once', async () => {
  await using app = await startTestApp()
  const admin = await app.token('ADMIN', 'tenant')
  const stranger = await app.token('ADMIN', 'other')

  const { data } = await admin.graphql(`mutation {
    createApiToken(input: { name: "ci", role: OPERATOR, expiresInDays: 7 }) {
      ... on CreateApiTokenPayload { token apiToken { id name role createdAt expiresAt lastUsedAt revokedAt } }
    }
  }`)
  const { token, apiToken } = data.createApiToken
  expect(apiToken).toMatchObject({ name: 'ci', role: 'OPERATOR', lastUsedAt: null, revokedAt: null })
  expect(Date.parse(apiToken.expiresAt) - Date.parse(apiToken.createdAt)).toBe(7 * 86_400_000)
  const made = app.client(`Bearer ${token as string}`)
  expect((await made.graphql('{ viewer { account { name } role } }')).data.viewer).toEqual({
    account: { name: 'tenant' },
    role: 'OPERATOR',
  })

  const LIST = '{ apiTokens { totalCount nodes { id name revokedAt } } }'
  expect((await admin.graphql(LIST)).data.apiTokens).toEqual({
    totalCount: 2,
    nodes: [
      { id: apiToken.id, name: 'ci', revokedAt: null },
      { id: admin.id, name: 'test', revokedAt: null },
    ],
  })
  expect(JSON.stringify(await admin.graphql(LIST))).not.toContain('sg_')

  const REVOKE = `mutation ($id: ID!) {
    revokeApiToken(input: { id: $id }) { __typename ... on RevokeApiTokenPayload { apiToken { revokedAt } } ... on UserError { code } }
  }`
  const id = apiToken.id as string
  expect((await stranger.graphql(REVOKE, { id })).data.revokeApiToken).toEqual({
    __typename: 'ApiTokenNotFound',
    code: 'API_TOKEN_NOT_FOUND',
  })
  const first = (await admin.graphql(REVOKE, { id })).data.revokeApiToken
  expect(first).toEqual({ __typename: 'RevokeApiTokenPayload', apiToken: { revokedAt: expect.any(String) } })
  expect((await admin.graphql(REVOKE, { id })).data.revokeApiToken).toEqual(first)
  const refused = await made.graphql(VIEWER)
  expect([refused.status, refused.errors?.[0]?.message]).toEqual([
    401,
    'The API token was revoked. Use another one.',
  ])
})
