import { readFile } from 'node:fs/promises'
import { brotliDecompressSync, gunzipSync } from 'node:zlib'
import { request, type IncomingHttpHeaders } from 'node:http'
import { getIntrospectionQuery } from 'graphql'
import { expect, test } from 'vitest'
import { startTestApp, type TestApp } from '../support/app.ts'

interface Answer {
  status: number | undefined
  headers: IncomingHttpHeaders
  body: Buffer
}

const PATHS = ['/schema.graphql', '/schema.json'] as const

/** Asks for the schema without what fetch would add or take apart. */
function ask(
  app: TestApp,
  headers: Record<string, string> = {},
  { method = 'GET', path = '/schema.graphql' }: { method?: string; path?: string } = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    request(`${app.url}${path}`, { method, headers, agent: false }, (response) => {
      const chunks: Buffer[] = []
      response
        .on('data', (chunk: Buffer) => chunks.push(chunk))
        .on('end', () =>
          resolve({ status: response.statusCode, headers: response.headers, body: Buffer.concat(chunks) }),
        )
    })
      .on('error', reject)
      .end()
  })
}

const errorOf = ({ status, body }: Answer) => {
  const { errors } = JSON.parse(body.toString()) as {
    errors: { message: string; extensions: { code: string } }[]
  }
  return [status, errors[0]?.extensions.code]
}

test.each(PATHS)('%s is the schema, compressed as the client likes, and sent once', async (path) => {
  await using app = await startTestApp()
  const sdl =
    path === '/schema.graphql'
      ? await readFile('schema.graphql')
      : Buffer.from(JSON.stringify(await introspection(app)))
  const [plain, gzip, br] = [
    await ask(app, {}, { path }),
    await ask(app, { 'accept-encoding': 'gzip' }, { path }),
    await ask(app, { 'accept-encoding': 'gzip, deflate, br' }, { path }),
  ]
  for (const { status, headers } of [plain, gzip, br]) {
    expect({ status, ...headers }).toMatchObject({
      status: 200,
      'content-type': path.endsWith('json') ? 'application/json; charset=utf-8' : 'text/plain; charset=utf-8',
      'cache-control': 'private, no-cache',
      'x-content-type-options': 'nosniff',
      vary: 'accept-encoding, authorization',
    })
  }
  expect(plain.body.equals(sdl)).toBe(true)
  expect([plain, gzip, br].map(({ headers }) => headers['content-encoding'])).toEqual([
    undefined,
    'gzip',
    'br',
  ])
  expect(gunzipSync(gzip.body).equals(sdl)).toBe(true)
  expect(brotliDecompressSync(br.body).equals(sdl)).toBe(true)
  const etags = [plain, gzip, br].map(({ headers }) => headers.etag ?? '')
  expect(new Set(etags).size).toBe(3)
  const again = await ask(app, { 'if-none-match': `W/${etags[0]}` }, { path })
  expect([again.status, again.body.length, again.headers.etag]).toEqual([304, 0, etags[0]])
  const other = await ask(app, { 'if-none-match': etags[0] ?? '', 'accept-encoding': 'br' }, { path })
  expect(other.status).toBe(200)
  const head = await ask(app, {}, { path, method: 'HEAD' })
  expect([head.status, head.headers['content-length'], head.body.length]).toEqual([
    200,
    String(sdl.length),
    0,
  ])
  expect(errorOf(await ask(app, {}, { path, method: 'POST' }))).toEqual([405, 'METHOD_NOT_ALLOWED'])
})

/** What an introspection query is answered that asks for everything. */
async function introspection(app: TestApp): Promise<{ data: unknown }> {
  const { data } = await app.graphql(
    getIntrospectionQuery({
      schemaDescription: true,
      specifiedByUrl: true,
      directiveIsRepeatable: true,
      inputValueDeprecation: true,
      oneOf: true,
      experimentalDirectiveDeprecation: true,
    }),
  )
  return { data }
}

const RIGHTS = [
  ['true', 'VIEWER', 200],
  ['true', 'ADMIN', 200],
  ['false', 'VIEWER', 403],
  ['false', 'OPERATOR', 403],
  ['false', 'ADMIN', 200],
] as const

test.each(RIGHTS)(
  'with INTROSPECTION=%s the schema is served to a %s: %i',
  async (INTROSPECTION, role, status) => {
    await using app = await startTestApp({ INTROSPECTION })
    const { token } = await app.token(role)
    for (const path of PATHS) {
      const answer = await ask(app, { authorization: `Bearer ${token}` }, { path })
      expect(answer.status).toBe(status)
      if (status === 403) expect(errorOf(answer)).toEqual([403, 'INTROSPECTION_DISABLED'])
      const etag = status === 200 ? (answer.headers.etag ?? '') : '*'
      const anonymous = await ask(app, { 'if-none-match': etag }, { path })
      expect(errorOf(anonymous)).toEqual([401, 'UNAUTHENTICATED'])
      expect(anonymous.headers['www-authenticate']).toBe('Bearer realm="snapgate"')
      const wrong = await ask(app, { authorization: 'Bearer sg_wrong' }, { path })
      expect(errorOf(wrong)).toEqual([401, 'UNAUTHENTICATED'])
    }
  },
)
