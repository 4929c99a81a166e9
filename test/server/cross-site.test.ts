import { expect, test } from 'vitest'
import { startTestApp } from '../support/app.ts'
import { ask } from '../support/ask.ts'

const ALLOWED = 'https://app.example'
const FOREIGN = 'https://else.example'
const BROWSER = 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0'
const QUERY = '{ viewer { role } }'
const CREATE =
  'mutation { createSnapshot(input: { diskId: "v-abcdefgh", name: "csrf" }) { __typename ... on UserError { code } } }'

type Headers = Record<string, string>
const site = (name: string, more: Headers = {}): Headers => ({
  'user-agent': BROWSER,
  'sec-fetch-site': name,
  ...more,
})
const unsaid = (more: Headers = {}): Headers => ({ 'user-agent': BROWSER, ...more })

// prettier-ignore
/** Who asks, as a browser describes it, and what a query by GET is answered. */
const SENDERS: [sender: string, headers: Headers, verdict: number | string][] = [
  ['a program', {}, 200],
  ['a program with a User-Agent', { 'user-agent': 'python-requests/2.32' }, 200],
  ['the own page', site('same-origin'), 200],
  ['the own page, saying its origin', site('same-origin', { origin: 'OWN' }), 200],
  ['the own page in an old browser, saying its origin', unsaid({ origin: 'OWN' }), 200],
  ['a page of the same site', site('same-site'), 200],
  ['the address bar', site('none'), 200],
  ['an allowed page', site('cross-site', { origin: ALLOWED }), 200],
  ['an allowed page in an old browser', unsaid({ origin: ALLOWED }), 200],
  ['a foreign page, by an image, a script or a link', site('cross-site'), 'FOREIGN_ORIGIN'],
  ['a foreign page, by fetch or EventSource', site('cross-site', { origin: FOREIGN }), 'FOREIGN_ORIGIN'],
  ['a page of the same site that is not allowed, by fetch or EventSource', site('same-site', { origin: 'http://localhost:1' }), 'FOREIGN_ORIGIN'],
  ['a foreign page in an old browser, by fetch or EventSource', unsaid({ origin: FOREIGN }), 'FOREIGN_ORIGIN'],
  ['a sandboxed page', site('cross-site', { origin: 'null' }), 'FOREIGN_ORIGIN'],
  ['any page in an old browser', unsaid(), 'CSRF_HEADER_REQUIRED'],
  ['any page in an old browser, with the type of a form', unsaid({ 'content-type': 'application/x-www-form-urlencoded' }), 'CSRF_HEADER_REQUIRED'],
  ['any page in an old browser, with the type of an upload', unsaid({ 'content-type': 'multipart/form-data; boundary=x' }), 'CSRF_HEADER_REQUIRED'],
  ['any page in an old browser, with plain text', unsaid({ 'content-type': 'Text/Plain;charset=utf-8' }), 'CSRF_HEADER_REQUIRED'],
  ['any page in an old browser, with an empty type', unsaid({ 'content-type': '' }), 'CSRF_HEADER_REQUIRED'],
  ['any page in an old browser, with JSON', unsaid({ 'content-type': 'application/json' }), 200],
  ['any page in an old browser, with x-graphql-yoga-csrf', unsaid({ 'x-graphql-yoga-csrf': '1' }), 200],
  ['any page in an old browser, with apollo-require-preflight', unsaid({ 'apollo-require-preflight': 'true' }), 200],
  ['any page in an old browser, with x-apollo-operation-name', unsaid({ 'x-apollo-operation-name': 'Q' }), 200],
]

const TYPES = ['application/json', 'text/event-stream']

test.each(SENDERS)('a GET request by %s gets its verdict', async (_sender, given, verdict) => {
  await using app = await startTestApp({ ALLOWED_ORIGINS: ALLOWED, GRAPHIQL: 'false' })
  const headers = { ...given, ...(given['origin'] === 'OWN' && { origin: app.url }) }
  const status = verdict === 200 ? 200 : 403

  for (const accept of TYPES) {
    const answer = await ask(`${app.endpoint}?query=${encodeURIComponent(QUERY)}`, { ...headers, accept })
    expect([answer.status, answer.body.toString()]).toEqual([
      status,
      expect.stringContaining(verdict === 200 ? '"role":"ADMIN"' : (verdict as string)),
    ])
    const mutation = await ask(`${app.endpoint}?query=${encodeURIComponent(CREATE)}`, { ...headers, accept })
    expect(mutation.status).toBe(verdict === 200 ? 405 : 403)
  }
})

// prettier-ignore
test.each<[contentType: string | undefined, verdict: number]>([
  ['application/json', 200],
  ['application/json; charset=utf-8', 200],
  ['text/plain', 415],
  ['application/x-www-form-urlencoded', 415],
  ['multipart/form-data; boundary=x', 415],
  ['application/graphql', 415],
  [undefined, 415],
])('a POST request of type %s, by whomever, gets %i: a foreign page can send JSON only after a preflight', async (contentType, verdict) => {
  await using app = await startTestApp({ ALLOWED_ORIGINS: ALLOWED })
  const body = JSON.stringify({ query: QUERY })

  for (const [, headers] of SENDERS) {
    const sent = { ...headers }
    delete sent['content-type']
    if (contentType !== undefined) sent['content-type'] = contentType
    const { status } = await ask(app.endpoint, sent, { method: 'POST', body })
    expect(status).toBe(verdict)
  }
})

test('the preflight of a foreign page is not answered, so none of the headers can be sent from one', async () => {
  await using app = await startTestApp({ ALLOWED_ORIGINS: ALLOWED })
  const preflight = (origin: string) =>
    ask(
      app.endpoint,
      {
        origin,
        'access-control-request-method': 'GET',
        'access-control-request-headers': 'x-graphql-yoga-csrf',
      },
      { method: 'OPTIONS' },
    )

  const { headers, status } = await preflight(FOREIGN)
  expect([status, headers['access-control-allow-origin']]).toEqual([405, undefined])
  expect((await preflight(ALLOWED)).headers['access-control-allow-headers']).toContain('x-graphql-yoga-csrf')
})
