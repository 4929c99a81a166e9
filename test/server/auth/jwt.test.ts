import { createHmac } from 'node:crypto'
import type { ServerResponse } from 'node:http'
import { exportSPKI, generateKeyPair, importJWK, SignJWT, UnsecuredJWT, type JWTPayload } from 'jose'
import { describe, expect, test, vi } from 'vitest'
import { startTestApp, type TestApp } from '../../support/app.ts'
import { goodClaims, startIssuer } from '../../support/issuer.ts'

const VIEWER = '{ viewer { account { name } role expiresAt } }'
const SECRET = 'a secret of at least 32 bytes, shared with the issuer'
const BY_SECRET = { JWT_ISSUER: 'https://issuer.example', JWT_AUDIENCE: 'snapgate', JWT_SECRET: SECRET }

function sign(claims: JWTPayload, secret = SECRET): Promise<string> {
  return new SignJWT({ ...goodClaims(), ...claims })
    .setProtectedHeader({ alg: 'HS256' })
    .sign(new TextEncoder().encode(secret))
}

/** A JWT of claims that are given as JSON. */
function signText(claims: string): string {
  const encode = (text: string) => Buffer.from(text).toString('base64url')
  const signed = `${encode('{"alg":"HS256"}')}.${encode(claims)}`
  return `${signed}.${createHmac('sha256', SECRET).update(signed).digest('base64url')}`
}

/** The status and message with which a JWT is refused, the same over HTTP and WebSocket; undefined when it is not. */
async function refusalOf(app: TestApp, jwt: string): Promise<[status: number, message: string] | undefined> {
  const client = app.client(`Bearer ${jwt}`)
  const { status, errors } = await client.graphql('{ __typename }')
  await using webSocket = client.webSocket()
  const overWebSocket = await Array.fromAsync(webSocket.iterate({ query: '{ __typename }' })).catch(
    (error: unknown) => error as { code: number; reason: string },
  )
  if (Array.isArray(overWebSocket)) {
    expect([status, errors]).toEqual([200, undefined])
    return undefined
  }
  const message = errors?.[0]?.message ?? ''
  expect(overWebSocket).toMatchObject({ code: status === 401 ? 4403 : 1013, reason: message })
  return [status, message]
}

const seconds = (fromNow: number) => Math.floor(Date.now() / 1000) + fromNow

describe('a JWT signed with the shared secret', () => {
  test('is let in as the account and role of its claims, and the account is made', async () => {
    await using app = await startTestApp(BY_SECRET)
    const exp = seconds(60)
    const client = app.client(`Bearer ${await sign({ exp, account: 'org/42 Ä', role: 'ADMIN' })}`)

    // Until 2 seconds later, the clock tolerance.
    const expiresAt = new Date((exp + 2) * 1000).toISOString()
    const whom = { viewer: { account: { name: 'org/42 Ä' }, role: 'ADMIN', expiresAt } }
    expect((await client.graphql(VIEWER)).data).toEqual(whom)
    await using webSocket = client.webSocket()
    expect(await Array.fromAsync(webSocket.iterate({ query: VIEWER }))).toMatchObject([{ data: whom }])
    expect(await app.db.account.count()).toBe(2)
  })

  test.each<[what: string, claims: JWTPayload, message?: string]>([
    ['no expiry', { exp: undefined }, 'The JWT has no claim exp.'],
    ['an expiry that has passed', { exp: seconds(-60) }, 'The credential has expired. Use a new one.'],
    ['an expiry that is a text', { exp: 'never' as never }, 'The JWT claim exp has an unexpected value.'],
    ['a start that is yet to come', { nbf: seconds(600) }, 'The JWT claim nbf has an unexpected value.'],
    ['another issuer', { iss: 'https://else.example' }, 'The JWT claim iss has an unexpected value.'],
    ['no issuer', { iss: undefined }, 'The JWT has no claim iss.'],
    ['another audience', { aud: ['else'] }, 'The JWT claim aud has an unexpected value.'],
    ['no audience', { aud: undefined }, 'The JWT has no claim aud.'],
    ['no account', { account: undefined }, 'The JWT has no account in the claim account.'],
    ['an account that is a number', { account: 7 }, 'The JWT has no account in the claim account.'],
    [
      'an account without a name',
      { account: '' },
      expect.stringMatching(/^An account has a name of 1 to 128/),
    ],
    [
      'an account with a control character',
      { account: 'a\nb' },
      expect.stringMatching(/^An account has a name/),
    ],
    [
      'no role',
      { role: undefined },
      'The JWT has no role in the claim role. Roles are VIEWER, OPERATOR, ADMIN.',
    ],
    [
      'a role there is not',
      { role: 'root' },
      'The JWT has no role in the claim role. Roles are VIEWER, OPERATOR, ADMIN.',
    ],
    [
      'a list of roles',
      { role: ['ADMIN'] },
      'The JWT has no role in the claim role. Roles are VIEWER, OPERATOR, ADMIN.',
    ],
    [
      'a role that only becomes one in capitals',
      { role: 'admın' },
      'The JWT has no role in the claim role. Roles are VIEWER, OPERATOR, ADMIN.',
    ],
  ])('is refused with %s', async (_what, claims, message) => {
    await using app = await startTestApp(BY_SECRET)

    expect(await refusalOf(app, await sign(claims))).toEqual([401, message])
    expect(await app.db.account.count()).toBe(1)
  })

  test('is refused when one of its times is no time, and when it would not end', async () => {
    await using app = await startTestApp(BY_SECRET)
    const unexpected = (claim: string) => `The JWT claim ${claim} has an unexpected value.`
    const TOO_LONG = 'The JWT expires more than 3660 days from now. Use one that expires sooner.'
    const EXPIRED = 'The credential has expired. Use a new one.'
    const good = JSON.stringify(goodClaims()).slice(1, -1)
    const inYears = (years: number) => String(seconds(years * 366 * 86_400))
    // As text: JSON has numbers that a program would not write.
    const refused: [claims: string, message: string][] = [
      ['"exp": 1e20', unexpected('exp')],
      ['"exp": 1e999', unexpected('exp')],
      ['"exp": 253402300800', unexpected('exp')],
      [`"exp": ${Number.MAX_SAFE_INTEGER}`, unexpected('exp')],
      ['"exp": 8640000000000', unexpected('exp')],
      ['"exp": 253402300799', TOO_LONG],
      [`"exp": ${inYears(10.1)}`, TOO_LONG],
      // Milliseconds instead of seconds.
      [`"exp": ${Date.now()}`, unexpected('exp')],
      ['"exp": -1', EXPIRED],
      ['"exp": -1e999', EXPIRED],
      ['"exp": 0', EXPIRED],
      ['"exp": null', unexpected('exp')],
      ['"exp": "NaN"', unexpected('exp')],
      ['"exp": [4102444800]', unexpected('exp')],
      ['"exp": true', unexpected('exp')],
      ['"nbf": 1e20', unexpected('nbf')],
      ['"nbf": 1e999', unexpected('nbf')],
      ['"nbf": -1e999', unexpected('nbf')],
      ['"nbf": -1', unexpected('nbf')],
      ['"nbf": "0"', unexpected('nbf')],
      ['"nbf": null', unexpected('nbf')],
      ['"iat": 1e20', unexpected('iat')],
      ['"iat": 1e999', unexpected('iat')],
      ['"iat": -1', unexpected('iat')],
      ['"iat": "now"', unexpected('iat')],
      ['"iat": {}', unexpected('iat')],
    ]

    for (const [claims, message] of refused) {
      const { status, errors } = await app
        .client(`Bearer ${signText(`{${good}, ${claims}}`)}`)
        .graphql(VIEWER)
      expect([claims, status, errors?.[0]?.message]).toEqual([claims, 401, message])
    }
    for (const claims of [`"exp": ${inYears(9.9)}`, '"nbf": 0', '"iat": 0', `"exp": ${seconds(60)}.5`]) {
      const { status } = await app.client(`Bearer ${signText(`{${good}, ${claims}}`)}`).graphql(VIEWER)
      expect([claims, status]).toEqual([claims, 200])
    }
  })

  test('makes no more new accounts in a window than its address may, and those that exist are let in', async () => {
    await using app = await startTestApp({ ...BY_SECRET, RATE_NEW_ACCOUNTS: '2' })
    const as = async (account: string) => app.client(`Bearer ${await sign({ account })}`)
    const before = await app.db.account.count()

    for (const account of ['one', 'two']) expect((await (await as(account)).graphql(VIEWER)).status).toBe(200)
    const refused = await (await as('three')).graphql(VIEWER)
    await using webSocket = (await as('four')).webSocket()
    const closed = await Array.fromAsync(webSocket.iterate({ query: VIEWER })).catch(
      (error: unknown) => error,
    )

    expect([refused.status, refused.errors?.[0]?.extensions]).toEqual([
      429,
      {
        code: 'RATE_LIMITED',
        budget: 'newAccounts',
        resetAt: expect.any(String),
        requestId: expect.any(String),
      },
    ])
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0)
    expect(closed).toMatchObject({ code: 1013 })
    expect((await (await as('one')).graphql(VIEWER)).status).toBe(200)
    expect(await app.db.account.count()).toBe(before + 2)
  })

  test.each([
    ['HS256', true],
    ['HS384', true],
    ['HS512', true],
  ])('may be by %s', async (alg) => {
    await using app = await startTestApp(BY_SECRET)
    const jwt = await new SignJWT(goodClaims())
      .setProtectedHeader({ alg })
      .sign(new TextEncoder().encode(SECRET))

    expect(await refusalOf(app, jwt)).toBeUndefined()
  })

  test('is refused when the secret is another, or the claims were changed after it', async () => {
    await using app = await startTestApp(BY_SECRET)
    const [header, , signature] = (await sign({ role: 'viewer' })).split('.')
    const changed = Buffer.from(JSON.stringify({ ...goodClaims(), role: 'admin' })).toString('base64url')

    const message = 'The signature of the JWT is invalid.'
    expect(await refusalOf(app, await sign({}, 'another secret of at least 32 bytes'))).toEqual([
      401,
      message,
    ])
    expect(await refusalOf(app, `${header ?? ''}.${changed}.${signature ?? ''}`)).toEqual([401, message])
  })

  test('is accepted for as long after its expiry as clocks may differ', async () => {
    await using app = await startTestApp({ ...BY_SECRET, JWT_CLOCK_TOLERANCE_SECONDS: '300' })

    expect(await refusalOf(app, await sign({ exp: seconds(-200), nbf: seconds(200) }))).toBeUndefined()
    expect(await refusalOf(app, await sign({ exp: seconds(-400) }))).toEqual([
      401,
      'The credential has expired. Use a new one.',
    ])
  })

  test('has its streams ended when it expires', async () => {
    let later = 0
    await using app = await startTestApp(BY_SECRET, { now: () => new Date(Date.now() + later) })
    const client = app.client(`Bearer ${await sign({ exp: seconds(60) })}`)
    const events = Array.fromAsync(client.sse('subscription { snapshotTransitions { sequence } }'))
    await expect.poll(() => app.hub.listeners).toBe(1)
    await app.credentials.check()

    later = 63_000
    await app.credentials.check()

    expect(await events).toMatchObject([
      {
        errors: [
          { message: 'The credential has expired. Use a new one.', extensions: { code: 'UNAUTHENTICATED' } },
        ],
      },
    ])
  })
})

describe('an algorithm of the other kind is refused', () => {
  const NOT_ACCEPTED = [401, 'The JWT is signed with an algorithm that is not accepted.']

  test('none, with either kind of key', async () => {
    await using issuer = await startIssuer()
    await issuer.addKey('one')
    await using byKeys = await startTestApp(issuer.environment)
    await using bySecret = await startTestApp(BY_SECRET)
    const jwt = new UnsecuredJWT(goodClaims()).encode()

    for (const app of [byKeys, bySecret]) expect((await refusalOf(app, jwt))?.[0]).toBe(401)
  })

  test('the public key as a shared secret', async () => {
    await using issuer = await startIssuer()
    await issuer.addKey('one')
    await using app = await startTestApp(issuer.environment)
    const publicKey = await importJWK(await issuer.publicKey('one'), 'RS256')
    const encode = (part: object) => Buffer.from(JSON.stringify(part)).toString('base64url')
    const signed = `${encode({ alg: 'HS256', kid: 'one' })}.${encode(goodClaims())}`
    const pem = await exportSPKI(publicKey as CryptoKey)
    const jwt = `${signed}.${createHmac('sha256', pem).update(signed).digest('base64url')}`

    expect(await refusalOf(app, jwt)).toEqual(NOT_ACCEPTED)
  })

  test('a key pair where a secret is shared', async () => {
    await using app = await startTestApp(BY_SECRET)
    const { privateKey } = await generateKeyPair('ES256')
    const jwt = await new SignJWT(goodClaims()).setProtectedHeader({ alg: 'ES256' }).sign(privateKey)

    expect(await refusalOf(app, jwt)).toEqual(NOT_ACCEPTED)
  })
})

describe('a JWT signed with a published key', () => {
  test.each(['RS256', 'PS256', 'ES256', 'EdDSA'])(
    'by %s is let in, and the keys are fetched once',
    async (alg) => {
      await using issuer = await startIssuer()
      await issuer.addKey('one', alg)
      await using app = await startTestApp(issuer.environment)
      const jwt = await issuer.sign('one')

      for (let i = 0; i < 3; i++) expect(await refusalOf(app, jwt)).toBeUndefined()
      expect(issuer.requests).toBe(1)
    },
  )

  test('may name its account and role in other claims', async () => {
    await using issuer = await startIssuer()
    await issuer.addKey('one')
    const named = { JWT_ACCOUNT_CLAIM: 'tenant', JWT_ROLE_CLAIM: 'https://issuer.example/role' }
    await using app = await startTestApp({ ...issuer.environment, ...named })
    const jwt = await issuer.sign('one', { tenant: 'acme', 'https://issuer.example/role': 'viewer' })

    expect((await app.client(`Bearer ${jwt}`).graphql('{ viewer { account { name } role } }')).data).toEqual({
      viewer: { account: { name: 'acme' }, role: 'VIEWER' },
    })
  })

  test('that is new is let in as soon as its key may be looked for again', async () => {
    await using issuer = await startIssuer()
    await issuer.addKey('one')
    await using app = await startTestApp(issuer.environment)
    expect(await refusalOf(app, await issuer.sign('one'))).toBeUndefined()
    await issuer.addKey('two')
    const jwt = await issuer.sign('two')
    const unknown = [401, 'The JWT is signed with an unknown key.']
    expect(await refusalOf(app, jwt)).toEqual(unknown)
    expect(issuer.requests).toBe(1)

    using clock = vi.spyOn(performance, 'now')
    clock.mockReturnValue(performance.now() + 30_001)

    expect(await refusalOf(app, jwt)).toBeUndefined()
    expect(issuer.requests).toBe(2)
  })

  test('goes on while the issuer is down, and answers SERVICE_UNAVAILABLE where it cannot', async () => {
    await using issuer = await startIssuer()
    await issuer.addKey('one')
    await issuer.addKey('two')
    await using app = await startTestApp({ ...issuer.environment, LOG_LEVEL: 'error' })
    const jwt = await issuer.sign('one')
    issuer.isBroken = true
    const unavailable = [503, 'The keys that verify JWTs cannot be fetched. Try again later.']
    expect(await refusalOf(app, jwt)).toEqual(unavailable)
    expect(app.logged).toMatchObject([{ msg: 'the keys of JWTs could not be fetched' }])
    // Not asked again for each request.
    expect(await refusalOf(app, jwt)).toEqual(unavailable)
    expect(issuer.requests).toBe(1)

    issuer.isBroken = false
    using clock = vi.spyOn(performance, 'now')
    const start = performance.now()
    clock.mockReturnValue(start + 5_001)
    expect(await refusalOf(app, jwt)).toBeUndefined()

    issuer.isBroken = true
    clock.mockReturnValue(start + 3_600_000)
    expect(await refusalOf(app, jwt)).toBeUndefined()
    await expect.poll(() => app.logged).toHaveLength(2)
    expect(await refusalOf(app, jwt)).toBeUndefined()
  })

  test('with a key that is published no more is refused once the keys were fetched again', async () => {
    await using issuer = await startIssuer()
    await issuer.addKey('one')
    await using app = await startTestApp(issuer.environment)
    const jwt = await issuer.sign('one')
    expect(await refusalOf(app, jwt)).toBeUndefined()
    issuer.removeKey('one')

    using clock = vi.spyOn(performance, 'now')
    clock.mockReturnValue(performance.now() + 600_001)

    await vi.waitFor(async () => expect((await refusalOf(app, jwt))?.[0]).toBe(401))
  })

  test.each<[what: string, answer: (response: ServerResponse, good: string) => void]>([
    ['more than 256 KiB', (response, good) => response.end(good + ' '.repeat(256 * 1024))],
    [
      'no end',
      (response, good) => {
        const more = setInterval(() => response.write(good + ' '.repeat(64 * 1024)), 1)
        response.once('close', () => clearInterval(more))
      },
    ],
    [
      'more than 100 keys',
      (response, good) => {
        const { keys } = JSON.parse(good) as { keys: object[] }
        response.end(JSON.stringify({ keys: [...keys, ...Array<object>(100).fill({ kty: 'oct', k: '' })] }))
      },
    ],
    ['a redirect', (response, good) => response.writeHead(302, { location: '/elsewhere' }).end(good)],
    ['a list', (response) => response.end('[]')],
    ['no JSON', (response) => response.end('<html>')],
  ])('is not looked for in an answer that has %s, and the gateway goes on', async (_what, answer) => {
    await using issuer = await startIssuer()
    await issuer.addKey('one')
    issuer.answer = answer
    await using app = await startTestApp(issuer.environment)

    expect(await refusalOf(app, await issuer.sign('one'))).toEqual([
      503,
      'The keys that verify JWTs cannot be fetched. Try again later.',
    ])
    expect(issuer.requests).toBe(1)
  })

  test.each([
    '',
    'eyJ',
    'eyJhbGciOiJSUzI1NiJ9',
    'eyJhbGciOiJSUzI1NiJ9..',
    'a.b.c',
    '{}.{}.{}',
    'x'.repeat(4_000),
  ])('%j is none', async (jwt) => {
    await using issuer = await startIssuer()
    await issuer.addKey('one')
    await using app = await startTestApp(issuer.environment)

    expect((await refusalOf(app, jwt))?.[0]).toBe(401)
  })
})

test('API tokens are let in beside JWTs', async () => {
  await using app = await startTestApp(BY_SECRET)
  const { graphql } = await app.token('VIEWER')

  expect((await graphql('{ viewer { role } }')).data).toEqual({ viewer: { role: 'VIEWER' } })
})
