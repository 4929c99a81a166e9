import { mkdtempDisposable } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { SignJWT } from 'jose'
import { expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { createLog } from '../../../src/log.ts'
import { readConfig } from '../../../src/config.ts'
import { startTestApp } from '../../support/app.ts'
import { goodClaims, startIssuer } from '../../support/issuer.ts'
import { run, startGateway } from '../../support/process.ts'

const SECRET = 'the secret "quoted" of the issuer, 32 bytes'
const BY_SECRET = { JWT_ISSUER: 'https://issuer.example', JWT_AUDIENCE: 'snapgate', JWT_SECRET: SECRET }

test('a gateway that logs everything prints no token, no JWT and no secret, whatever goes wrong with them', async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'snapgate-'))
  const METRICS = '127.0.0.1:0'
  const env = { DATA_DIR: folder.path, DEMO: 'false', LOG_LEVEL: 'trace', METRICS, ...BY_SECRET }
  const made = await run('src/commands/token.ts', ['create', '--name', 'a', '--role', 'admin'], env)
  const token = made.stdout.trim()
  const jwt = (claims: object) =>
    new SignJWT({ ...goodClaims(), ...claims })
      .setProtectedHeader({ alg: 'HS256' })
      .sign(new TextEncoder().encode(SECRET))
  const [good, expired] = [await jwt({}), await jwt({ exp: 1 })]
  const mistyped = `${token.slice(0, -1)}!`
  const secrets = [
    token,
    token.slice(3, 30),
    mistyped,
    good,
    expired,
    SECRET,
    'hunter2hunter2',
    JSON.stringify(SECRET).slice(1, -1),
  ]
  await using gateway = await startGateway(env)
  const heard: string[] = []

  for (const credential of [token, good, expired, mistyped, 'hunter2hunter2', '', 'a b']) {
    for (const [address, body] of [
      ['', { query: '{ viewer { role } }' }],
      ['', { query: '{', extensions: { authorization: credential } }],
      ['', { query: '{ a }', variables: { credential } }],
      [`?access_token=${encodeURIComponent(credential)}`, { query: '{ __typename }' }],
      [`/${encodeURIComponent(credential)}`, {}],
    ] as const) {
      for (const accept of ['application/json', 'text/event-stream', 'text/html']) {
        const response = await fetch(gateway.endpoint + address, {
          method: 'POST',
          headers: {
            'content-type': 'application/json',
            accept,
            authorization: `Bearer ${credential}`,
            cookie: `token=${encodeURIComponent(credential)}`,
            'graphql-client-name': `of ${encodeURIComponent(credential)}`,
            'apollographql-client-version': encodeURIComponent(credential),
          },
          body: JSON.stringify(body),
        })
        heard.push(await response.text(), JSON.stringify([...response.headers]))
      }
    }
    const page = await fetch(`${gateway.endpoint}?token=${encodeURIComponent(credential)}`, {
      headers: { accept: 'text/html' },
    })
    heard.push(await page.text())
    heard.push(await introduce(gateway.endpoint, credential))
  }
  const [, metricsUrl = ''] = /"metricsUrl":"([^"]+)"/.exec(gateway.stdout()) ?? []
  const metrics = await (await fetch(metricsUrl)).text()
  expect(metrics).toContain('snapgate_errors_total{code="UNAUTHENTICATED"}')
  heard.push(metrics)
  await gateway.stop()

  expect(heard.length).toBeGreaterThan(200)
  expect(gateway.stdout().split('\n').length).toBeGreaterThan(5)
  for (const [what, text] of Object.entries({
    log: gateway.stdout(),
    answers: heard.join('\n'),
    command: made.stderr,
  })) {
    expect([what, secrets.filter((secret) => text.includes(secret))]).toEqual([what, []])
  }
})

/** What a client hears that introduces itself with this, and then says what is no message. */
async function introduce(endpoint: string, credential: string): Promise<string> {
  const socket = new WebSocket(endpoint.replace('http', 'ws'), 'graphql-transport-ws')
  let heard = ''
  return new Promise((resolve) => {
    socket.on('open', () => {
      socket.send(
        JSON.stringify({
          type: 'connection_init',
          payload: { authorization: `Bearer ${credential}`, token: credential },
        }),
      )
    })
    socket.on('message', (text: Buffer) => {
      heard += text.toString()
      socket.send(`${credential} is no message`)
    })
    socket.on('close', (_code, reason) => resolve(heard + reason.toString()))
  })
}

test('a fault with a token in its message is told to nobody', async () => {
  await using app = await startTestApp({ LOG_LEVEL: 'error' })
  const token = `sg_${'A'.repeat(49)}`
  await app.db.$executeRawUnsafe(`ALTER TABLE "Disk" RENAME TO "${token}"`)

  const { errors } = await app.graphql(
    '{ disk(id: "v-nothere00") { id } other: disk(id: "v-nothere01") { id } }',
  )

  expect(errors?.map(({ message }) => message)).toEqual(['Unexpected error.', 'Unexpected error.'])
  expect(app.logged).toHaveLength(2)
})

test('what looks like a secret is taken out of a line of the log, wherever it is', async () => {
  const lines: string[] = []
  const log = createLog(readConfig({ ...BY_SECRET, LOG_LEVEL: 'trace' }), {
    write: (line) => void lines.push(line),
  })
  await using app = await startTestApp()
  const { token } = await app.token()
  const jwt = 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhIn0.c2lnbmF0dXJl'

  log.error(
    { err: new Error(`no ${token}`, { cause: new Error(SECRET) }), [token]: [jwt] },
    `Bearer ${token} ${jwt}`,
  )
  log.trace({ headers: { authorization: `Bearer ${jwt}` } })

  expect(lines).toHaveLength(2)
  const text = lines.join('')
  for (const secret of [token, jwt, SECRET, JSON.stringify(SECRET).slice(1, -1)])
    expect(text).not.toContain(secret)
  for (const line of lines) expect(JSON.parse(line)).toBeTypeOf('object')
})

test('keys that cannot be fetched are logged without what their address has besides host and path', async () => {
  await using issuer = await startIssuer()
  await issuer.addKey('one')
  issuer.isBroken = true
  const JWT_JWKS_URL = `${issuer.environment.JWT_JWKS_URL}?key=hunter2hunter2`
  await using app = await startTestApp({ ...issuer.environment, JWT_JWKS_URL, LOG_LEVEL: 'trace' })

  expect((await app.client(`Bearer ${await issuer.sign('one')}`).graphql('{ __typename }')).status).toBe(503)

  expect(app.logged).toHaveLength(1)
  expect(JSON.stringify(app.logged)).not.toContain('hunter2')
})
