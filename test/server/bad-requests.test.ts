import { gzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { ERROR_CODES, type ErrorCode } from '../../src/graphql/errors.ts'
import { startTestApp } from '../support/app.ts'
import { outcomeOf, type GraphqlError, type Outcome } from '../support/clients.ts'

/** A bad request: what is sent, and the status, code and message that answer it. */
type Bad = [name: string, request: Sent, status: number, code: ErrorCode, message: string | RegExp]
type Sent = RequestInit & { path?: string; duplex?: 'half' }

const JSON_TYPES = { 'content-type': 'application/json', accept: 'application/graphql-response+json' }
const DISKS = '{ disks { totalCount } }'
const MAX_BODY_BYTES = 256 * 1024

const post = (body: string, headers: Record<string, string> = {}): Sent => ({
  method: 'POST',
  headers: { ...JSON_TYPES, ...headers },
  body,
})

const ask = (query: string, variables?: Record<string, unknown>, headers?: Record<string, string>) =>
  post(JSON.stringify({ query, variables }), headers)

const get = (search: string, headers: Record<string, string> = {}): Sent => ({
  path: `/graphql${search}`,
  headers: { accept: 'application/json', ...headers },
})

const typed = (contentType: string) => post(JSON.stringify({ query: DISKS }), { 'content-type': contentType })

const create = (input: Record<string, unknown>) =>
  ask('mutation ($input: CreateSnapshotInput!) { createSnapshot(input: $input) { __typename } }', {
    input: { diskId: 'v-abcdefgh', name: 'good', ...input },
  })

const filterDisks = (filter: Record<string, unknown>) =>
  ask('query ($filter: DiskFilter) { disks(filter: $filter) { totalCount } }', { filter })

const pageOf = (args: string) => ask(`{ disks(${args}) { totalCount } }`)

const cursor = (...parts: unknown[]) => Buffer.from(JSON.stringify(parts)).toString('base64url')

const watch = (after: string) =>
  ask(
    'subscription ($after: String) { snapshotTransitions(after: $after) { to } }',
    { after },
    { accept: 'text/event-stream' },
  )

const NOT_A_CURSOR =
  'after is not a cursor of this list in this order. Use a cursor from the same list with the same order.'
const NOT_A_STREAM_CURSOR =
  'after is not a stream cursor of this gateway. Use the streamCursor of a list, or the cursor of a transition.'
const NOT_AN_OBJECT = 'The body must be a JSON object with the document under "query"; it is '
const NOT_JSON = 'The body must be JSON in UTF-8. Send content-type: application/json.'
const NOT_GET_OR_POST = 'GraphQL only supports GET and POST requests.'
const NO_STREAM =
  'A subscription requires `Accept: text/event-stream` or `multipart/mixed;subscriptionSpec=1.0`, or a WebSocket.'
const TAG_KEYS = 'Each key of a tag may be given once.'
const DAYS = 'retentionDays must be -1 (forever) or from 1 to 65536.'
const TOKEN = 'clientToken must have 1 to 64 printable ASCII characters.'
const NOT_PLAIN = 'must not contain NUL or half a surrogate pair.'

// prettier-ignore
const transport: Bad[] = [
  ['JSON that is cut off', post('{"query'), 400, 'BAD_REQUEST', 'The body is not JSON in UTF-8.'],
  ['an empty body', post(''), 400, 'BAD_REQUEST', 'The body is not JSON in UTF-8.'],
  ['a body in Latin-1', { ...post(''), body: Buffer.from('{"query":"{é}"}', 'latin1') }, 400, 'BAD_REQUEST', 'The body is not JSON in UTF-8.'],
  ['null', post('null'), 400, 'BAD_REQUEST', `${NOT_AN_OBJECT}null.`],
  ['a number', post('1'), 400, 'BAD_REQUEST', `${NOT_AN_OBJECT}1.`],
  ['a text', post('"{ disks }"'), 400, 'BAD_REQUEST', `${NOT_AN_OBJECT}"{ disks }".`],
  ['an empty list', post('[]'), 400, 'BAD_REQUEST', `${NOT_AN_OBJECT}a list, and batches are not supported.`],
  ['a batch', post(`[{"query":"${DISKS}"}]`), 400, 'BAD_REQUEST', `${NOT_AN_OBJECT}a list, and batches are not supported.`],
  ['no query', post('{}'), 400, 'BAD_REQUEST', 'Must provide query string.'],
  ['a query that is no text', post('{"query":1}'), 400, 'BAD_REQUEST', 'Expected "query" param to be a string, but given number.'],
  ['an unknown parameter', post(`{"query":"${DISKS}","token":"x"}`), 400, 'BAD_REQUEST', 'Unexpected parameter "token" in the request body.'],
  ['variables that are a text', post(`{"query":"${DISKS}","variables":"{}"}`), 400, 'BAD_REQUEST', 'Expected "variables" param to be empty or an object, but given string.'],
  ['variables that are a list', post(`{"query":"${DISKS}","variables":[]}`), 400, 'BAD_REQUEST', 'Expected "variables" param to be empty or an object, but given array.'],
  ['extensions that are a number', post(`{"query":"${DISKS}","extensions":1}`), 400, 'BAD_REQUEST', 'Expected "extensions" param to be empty or an object, but given number.'],
  ['an operation name that is a number', post(`{"query":"${DISKS}","operationName":1}`), 400, 'BAD_REQUEST', 'operationName must be a string.'],
  ['text/plain', typed('text/plain'), 415, 'UNSUPPORTED_MEDIA_TYPE', NOT_JSON],
  ['a form', typed('application/x-www-form-urlencoded'), 415, 'UNSUPPORTED_MEDIA_TYPE', NOT_JSON],
  ['a multipart form', typed('multipart/form-data; boundary=x'), 415, 'UNSUPPORTED_MEDIA_TYPE', NOT_JSON],
  ['application/graphql', typed('application/graphql'), 415, 'UNSUPPORTED_MEDIA_TYPE', NOT_JSON],
  ['something like JSON', typed('application/jsonp'), 415, 'UNSUPPORTED_MEDIA_TYPE', NOT_JSON],
  ['JSON of another charset', typed('application/json; charset=utf-16'), 415, 'UNSUPPORTED_MEDIA_TYPE', NOT_JSON],
  ['no content type', { method: 'POST', body: new Blob([`{"query":"${DISKS}"}`]) }, 415, 'UNSUPPORTED_MEDIA_TYPE', NOT_JSON],
  ['a compressed body', { ...post('', { 'content-encoding': 'gzip' }), body: gzipSync(`{"query":"${DISKS}"}`) }, 415, 'UNSUPPORTED_MEDIA_TYPE', 'Compressed bodies are not supported. Omit content-encoding.'],
  ['a body over the limit', ask(DISKS + ' '.repeat(MAX_BODY_BYTES)), 413, 'PAYLOAD_TOO_LARGE', 'The body is larger than 262144 bytes.'],
  [
    'a body over the limit, in chunks',
    {
      ...post(''),
      body: new Blob([`{"query":"${DISKS}"${' '.repeat(MAX_BODY_BYTES)}}`]).stream(),
      duplex: 'half',
    },
    413,
    'PAYLOAD_TOO_LARGE',
    'The body is larger than 262144 bytes.',
  ],
  [
    'a body in single bytes',
    {
      ...post(''),
      body: new ReadableStream({
        start(controller) {
          for (let i = 0; i < 2_001; i++) controller.enqueue(Buffer.from(' '))
          controller.close()
        },
      }),
      duplex: 'half',
    },
    413,
    'PAYLOAD_TOO_LARGE',
    'The body has more than 2000 chunks.',
  ],
  ['PUT', { ...ask(DISKS), method: 'PUT' }, 405, 'METHOD_NOT_ALLOWED', NOT_GET_OR_POST],
  ['PATCH', { ...ask(DISKS), method: 'PATCH' }, 405, 'METHOD_NOT_ALLOWED', NOT_GET_OR_POST],
  ['DELETE', { method: 'DELETE' }, 405, 'METHOD_NOT_ALLOWED', NOT_GET_OR_POST],
  ['OPTIONS', { method: 'OPTIONS' }, 405, 'METHOD_NOT_ALLOWED', NOT_GET_OR_POST],
  ['GET by a page of another site', get(`?query=${DISKS}`, { origin: 'https://else.example' }), 403, 'FOREIGN_ORIGIN', 'A page of another site cannot send GET requests here. List its origin in ALLOWED_ORIGINS.'],
  ['GET by a browser that does not name the site', get(`?query=${DISKS}`, { 'user-agent': 'Mozilla/5.0' }), 403, 'CSRF_HEADER_REQUIRED', 'The site that sent this GET request is unknown. Send one of the headers x-graphql-yoga-csrf, apollo-require-preflight, x-apollo-operation-name, or use POST.'],
  ['GET without a query', get(''), 400, 'BAD_REQUEST', 'Must provide query string.'],
  ['GET with variables that are not JSON', get(`?query=${DISKS}&variables={`), 400, 'BAD_REQUEST', 'variables is not JSON in UTF-8.'],
  ['a mutation by GET', get(`?query=${encodeURIComponent('mutation { createSnapshot(input: { diskId: "v-abcdefgh", name: "a" }) { __typename } }')}`), 405, 'METHOD_NOT_ALLOWED', 'Can only perform a mutation operation from a POST request.'],
  ['an Accept that cannot be met', ask(DISKS, {}, { accept: 'image/png' }), 406, 'NOT_ACCEPTABLE', 'None of the accepted media types is available. Accept one of application/json, application/graphql-response+json, text/event-stream, multipart/mixed.'],
  ['an Accept that wants nothing', ask(DISKS, {}, { accept: '*/*;q=0' }), 406, 'NOT_ACCEPTABLE', /^None of the accepted media types is available\./],
  ['a subscription, accepting JSON', ask('subscription { snapshotTransitions { to } }'), 406, 'NOT_ACCEPTABLE', NO_STREAM],
  ['an address that there is not', { path: '/graphiql' }, 404, 'NOT_FOUND', 'Not found. GraphQL is at /graphql.'],
  ['an address below the endpoint', { ...ask(DISKS), path: '/graphql/disks' }, 404, 'NOT_FOUND', 'Not found. GraphQL is at /graphql.'],
]

// prettier-ignore
const documents: Bad[] = [
  ['an empty document', ask(''), 400, 'GRAPHQL_PARSE_FAILED', 'Syntax Error: Unexpected <EOF>.'],
  ['a comment only', ask('# disks'), 400, 'GRAPHQL_PARSE_FAILED', 'Syntax Error: Unexpected <EOF>.'],
  ['a bracket too few', ask('{ disks { totalCount }'), 400, 'GRAPHQL_PARSE_FAILED', 'Syntax Error: Expected Name, found <EOF>.'],
  ['fragments only', ask('fragment F on Query { disks { totalCount } }'), 400, 'BAD_REQUEST', 'The document has no operation, only definitions of fragments or types.'],
  ['type definitions', ask('type Query { a: Int }'), 400, 'BAD_REQUEST', 'The document has no operation, only definitions of fragments or types.'],
  ['an operation name that there is not', post(JSON.stringify({ query: `query A ${DISKS}`, operationName: 'B' })), 400, 'BAD_REQUEST', 'The document has no operation named "B". It has A.'],
  ['two operations and no name', ask(`query A ${DISKS} query B ${DISKS}`), 400, 'BAD_REQUEST', 'The document has 2 operations. Name the one to run in operationName. It has A, B.'],
  ['two operations without names', ask(`${DISKS} ${DISKS}`), 400, 'BAD_REQUEST', 'The document has 2 operations. Name the one to run in operationName. It has none with a name.'],
  ['an unknown field', ask('{ disks { nodes { path } } }'), 400, 'GRAPHQL_VALIDATION_FAILED', 'Cannot query field "path" on type "Disk".'],
  ['an unknown argument', pageOf('limit: 5'), 400, 'GRAPHQL_VALIDATION_FAILED', 'Unknown argument "limit" on field "Query.disks". Did you mean "first" or "last"?'],
  ['an unknown enum value', pageOf('filter: { kind: { eq: FLOPPY } }'), 400, 'GRAPHQL_VALIDATION_FAILED', 'Value "FLOPPY" does not exist in "DiskKind" enum.'],
  ['a fragment that spreads itself', ask('{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }'), 400, 'GRAPHQL_VALIDATION_FAILED', 'Cannot spread fragment "A" within itself via "B".'],
  ['fields nested as deep as tokens allow', ask('{ a'.repeat(330) + '}'.repeat(330)), 400, 'DOCUMENT_TOO_LARGE', 'The document nests fields 330 levels deep; at most 16 are allowed.'],
  ['lists nested as deep as tokens allow', pageOf(`first: ${'['.repeat(480)}${']'.repeat(480)}`), 400, 'DOCUMENT_TOO_LARGE', 'The document nests lists and objects 480 levels deep in an argument; at most 10 are allowed.'],
  ['fields nested forever', ask('{ a'.repeat(5_000)), 400, 'DOCUMENT_TOO_LARGE', 'The document has more than 1000 tokens.'],
  ['fragments in a long circle', ask(`{ ...F0 } ${Array.from({ length: 50 }, (_, i) => `fragment F${i} on Query { ...F${(i + 1) % 50} }`).join(' ')}`), 400, 'GRAPHQL_VALIDATION_FAILED', /^Cannot spread fragment "F0" within itself via "F1", /],
  ['a thousand aliases', ask(`{ ${Array.from({ length: 1_000 }, (_, i) => `a${i}: __typename`).join(' ')} }`), 400, 'DOCUMENT_TOO_LARGE', 'The document has more than 1000 tokens.'],
]

// prettier-ignore
const values: Bad[] = [
  ['a page size that is a text', pageOf('first: "5"'), 400, 'GRAPHQL_VALIDATION_FAILED', 'Int cannot represent non-integer value: "5"'],
  ['a page size beyond 32 bits', pageOf('first: 99999999999'), 400, 'GRAPHQL_VALIDATION_FAILED', 'Int cannot represent non 32-bit signed integer value: 99999999999'],
  ['a page of 101', pageOf('first: 101'), 200, 'BAD_USER_INPUT', 'first is 101; it must be from 0 to 100. Use cursors for the next page.'],
  ['a last page of a million', pageOf('last: 1000000'), 200, 'BAD_USER_INPUT', 'last is 1000000; it must be from 0 to 100. Use cursors for the next page.'],
  ['a negative page', pageOf('first: -1'), 200, 'BAD_USER_INPUT', 'first is -1; it must be from 0 to 100. Use cursors for the next page.'],
  ['both first and last', pageOf('first: 1, last: 1'), 200, 'BAD_USER_INPUT', 'Give first or last, not both.'],
  ['an empty cursor', pageOf('after: ""'), 200, 'BAD_USER_INPUT', NOT_A_CURSOR],
  ['garbage for a cursor', pageOf('after: "Z2FyYmFnZQ"'), 200, 'BAD_USER_INPUT', NOT_A_CURSOR],
  ['garbage for a cursor before', pageOf('before: "%00%ff"'), 200, 'BAD_USER_INPUT', NOT_A_CURSOR.replace('after', 'before')],
  ['a cursor of another order', pageOf(`after: "${cursor('SIZE ASC', '5', 'v-abcdefgh')}"`), 200, 'BAD_USER_INPUT', NOT_A_CURSOR],
  ['a cursor whose value is none of the order', pageOf(`orderBy: { field: SIZE, direction: ASC }, after: "${cursor('SIZE ASC', 'big', 'v-abcdefgh')}"`), 200, 'BAD_USER_INPUT', NOT_A_CURSOR],
  ['a cursor whose time is none', pageOf(`orderBy: { field: CREATED_AT, direction: ASC }, after: "${cursor('CREATED_AT ASC', 'now', 'v-abcdefgh')}"`), 200, 'BAD_USER_INPUT', NOT_A_CURSOR],
  ['garbage for a stream cursor', watch('garbage'), 200, 'BAD_USER_INPUT', NOT_A_STREAM_CURSOR],
  ['a list cursor for a stream cursor', watch(cursor('NAME ASC', 'a', 'v-abcdefgh')), 200, 'BAD_USER_INPUT', NOT_A_STREAM_CURSOR],
  ['a stream cursor of another gateway', watch('0123456789ab.1'), 200, 'CURSOR_EXPIRED', /^The log does not continue from this stream cursor/],
  ['an id that is none', ask('{ node(id: "1 OR 1=1") { id } }'), 200, 'BAD_USER_INPUT', '"1 OR 1=1" is not a node id. Node ids look like v-…, s-…, asp-…, asr-…, con-….'],
  ['the id of an account', ask('{ node(id: "acc-localhost") { id } }'), 200, 'BAD_USER_INPUT', '"acc-localhost" is not a node id. Node ids look like v-…, s-…, asp-…, asr-…, con-….'],
  ['101 ids', ask('query ($ids: [ID!]!) { nodes(ids: $ids) { id } }', { ids: Array(101).fill('v-abcdefgh') }), 200, 'BAD_USER_INPUT', 'ids has 101 entries; at most 100 are allowed.'],
  ['an id twice', ask('{ nodes(ids: ["v-abcdefgh", "v-abcdefgi", "v-abcdefgh"]) { id } }'), 200, 'BAD_USER_INPUT', 'ids must not contain an id twice.'],
  ['the id of a snapshot for a disk', ask('{ disk(id: "s-abcdefgh") { id } }'), 200, 'BAD_USER_INPUT', '"s-abcdefgh" is not the id of a disk. Those ids look like v-….'],
  ['the id of a disk for a snapshot', ask('{ snapshot(id: "v-abcdefgh") { id } }'), 200, 'BAD_USER_INPUT', '"v-abcdefgh" is not the id of a snapshot. Those ids look like s-….'],
  ['an id that is an object', ask('query ($id: ID!) { disk(id: $id) { id } }', { id: {} }), 400, 'BAD_USER_INPUT', 'Variable "$id" got invalid value {}; ID cannot represent value: {}'],
  ['a variable that is left out', ask('query ($id: ID!) { disk(id: $id) { id } }'), 400, 'BAD_USER_INPUT', 'Variable "$id" of required type "ID!" was not provided.'],
  ['a status that there is not', filterDisks({ status: { eq: 'BUSY' } }), 400, 'BAD_USER_INPUT', 'Variable "$filter" got invalid value "BUSY" at "filter.status.eq"; Value "BUSY" does not exist in "DiskStatus" enum.'],
  ['a comparison that there is not', filterDisks({ name: { like: 'a' } }), 400, 'BAD_USER_INPUT', /^Variable "\$filter" got invalid value .* at "filter\.name"; Field "like" is not defined by type "StringFilter"\./],
  ['a list of 101 in a filter', filterDisks({ id: { in: Array(101).fill('v-abcdefgh') } }), 200, 'BAD_USER_INPUT', 'A list in a filter has at most 100 entries.'],
  ['an id twice in a filter', filterDisks({ id: { in: ['v-abcdefgh', 'v-abcdefgh'] } }), 200, 'BAD_USER_INPUT', 'A list of ids in a filter has each id once.'],
  ['a list of 101 statuses in a filter', filterDisks({ status: { in: Array(101).fill('ERROR') } }), 200, 'BAD_USER_INPUT', 'A list in a filter has at most 100 entries.'],
  ['a search for a text of 257', filterDisks({ search: 'a'.repeat(257) }), 200, 'BAD_USER_INPUT', 'A text in a filter has at most 256 characters.'],
  ['a text of 257 in a filter', filterDisks({ name: { contains: 'a'.repeat(257) } }), 200, 'BAD_USER_INPUT', 'A text in a filter has at most 256 characters.'],
  ['NUL in a filter', filterDisks({ name: { eq: 'a\0' } }), 200, 'BAD_USER_INPUT', `A text in a filter ${NOT_PLAIN}`],
  ['half a surrogate pair in a list of a filter', filterDisks({ name: { in: ['\ud800'] } }), 200, 'BAD_USER_INPUT', `A text in a filter ${NOT_PLAIN}`],
  ['a time that is none', filterDisks({ createdAt: { gt: 'yesterday' } }), 400, 'BAD_USER_INPUT', /DateTime cannot represent an invalid date-time-string yesterday\.$/],
  ['a time that is a number', filterDisks({ createdAt: { gt: 0 } }), 400, 'BAD_USER_INPUT', /DateTime cannot represent non string or Date type 0$/],
  [
    'an input without a name',
    ask('mutation ($input: CreateSnapshotInput!) { createSnapshot(input: $input) { __typename } }', {
      input: { diskId: 'v-abcdefgh' },
    }),
    400,
    'BAD_USER_INPUT',
    'Variable "$input" got invalid value { diskId: "v-abcdefgh" }; Field "name" of required type "String!" was not provided.',
  ],
  ['a name that is a number', create({ name: 1 }), 400, 'BAD_USER_INPUT', 'Variable "$input" got invalid value 1 at "input.name"; String cannot represent a non string value: 1'],
  ['a field that the input has not', create({ force: true }), 400, 'BAD_USER_INPUT', /Field "force" is not defined by type "CreateSnapshotInput"\.$/],
  ['a description of 1001', create({ description: 'a'.repeat(1_001) }), 200, 'BAD_USER_INPUT', 'description has at most 1000 characters.'],
  ['NUL in a description', create({ description: 'a\0b' }), 200, 'BAD_USER_INPUT', `description ${NOT_PLAIN}`],
  ['half a surrogate pair in a description', create({ description: '\udc00' }), 200, 'BAD_USER_INPUT', `description ${NOT_PLAIN}`],
  ['41 tags', create({ tags: Array.from({ length: 41 }, (_, i) => ({ key: `k${i}`, value: '' })) }), 200, 'BAD_USER_INPUT', 'There are at most 40 tags.'],
  [
    'the same tag twice',
    create({
      tags: [
        { key: 'a', value: '1' },
        { key: 'a', value: '2' },
      ],
    }),
    200,
    'BAD_USER_INPUT',
    TAG_KEYS,
  ],
  ['a tag without a key', create({ tags: [{ key: '', value: '' }] }), 200, 'BAD_USER_INPUT', 'The key of a tag has 1 to 65 characters.'],
  ['a tag value of 66', create({ tags: [{ key: 'a', value: 'a'.repeat(66) }] }), 200, 'BAD_USER_INPUT', 'The value of a tag has at most 65 characters.'],
  ['NUL in a tag', create({ tags: [{ key: 'a\0', value: '' }] }), 200, 'BAD_USER_INPUT', `The key of a tag ${NOT_PLAIN}`],
  ['0 days', create({ retentionDays: 0 }), 200, 'BAD_USER_INPUT', DAYS],
  ['65537 days', create({ retentionDays: 65_537 }), 200, 'BAD_USER_INPUT', DAYS],
  ['-2 days', create({ retentionDays: -2 }), 200, 'BAD_USER_INPUT', DAYS],
  ['half a day', create({ retentionDays: 0.5 }), 400, 'BAD_USER_INPUT', /Int cannot represent non-integer value: 0\.5$/],
  ['an empty client token', create({ clientToken: '' }), 200, 'BAD_USER_INPUT', TOKEN],
  ['a client token of 65', create({ clientToken: 'a'.repeat(65) }), 200, 'BAD_USER_INPUT', TOKEN],
  ['a client token that is not ASCII', create({ clientToken: 'tökén' }), 200, 'BAD_USER_INPUT', TOKEN],
]

/** What no client may ever read: traces, statements, engine messages, paths. */
const LEAKS =
  /\n\s+at |node_modules|\.[jt]s:\d|\/(tmp|work|home|usr|src)\/|\bSELECT\b|sqlite|prisma|zod|Invalid input|"stack"|originalError/i

/** The errors of an answer, of whichever kind it is. */
async function errorsOf(
  response: Response,
): Promise<{ text: string; errors: GraphqlError[]; data: unknown }> {
  const text = await response.text()
  const json = response.headers.get('content-type')?.startsWith('text/event-stream')
    ? (/^data: (.+)$/m.exec(text)?.[1] ?? '')
    : text
  const { errors, data } = JSON.parse(json) as { errors: GraphqlError[]; data: unknown }
  return { text, errors, data }
}

test.concurrent.each([...transport, ...documents, ...values])(
  '%s is answered with its status, its code and what is wrong',
  async (_name, { path = '/graphql', ...request }, status, code, message) => {
    await using app = await startTestApp()

    const response = await fetch(new URL(path, app.url), request)

    const { text, errors, data } = await errorsOf(response)
    const requestId = response.headers.get('x-request-id')
    expect(response.status).toBe(status)
    expect(requestId).toMatch(/^[0-9a-f-]{36}$/)
    expect(errors.length).toBeGreaterThan(0)
    expect(errors[0]?.message).toEqual(typeof message === 'string' ? message : expect.stringMatching(message))
    for (const { extensions } of errors) {
      const { arguments: wrong, ...others } = extensions
      expect(others).toEqual({ code, requestId })
      if (wrong) expect(wrong).toEqual([expect.stringMatching(/^(input|filter)(\.\w+)+$/)])
    }
    expect(Object.values(data ?? {}).filter((value) => value !== null)).toEqual([])
    expect(text).not.toMatch(LEAKS)
    expect(response.headers.get('access-control-allow-origin')).toBeNull()
    expect(app.hub.listeners).toBe(0)
    expect(await app.db.snapshot.count()).toBe(0)
  },
)

test('HEAD has no body, but its status and request id', async () => {
  await using app = await startTestApp()

  const response = await fetch(app.endpoint, { method: 'HEAD', headers: { accept: 'application/json' } })

  expect(response.status).toBe(405)
  expect(response.headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/)
  expect(await response.text()).toBe('')
})

test('a mutation whose answer would not be accepted is not made', async () => {
  await using app = await startTestApp()
  const disk = await app.disk()
  const request = create({ diskId: disk.id })

  const refused = await fetch(app.endpoint, { ...request, headers: { ...JSON_TYPES, accept: 'text/css' } })

  expect(refused.status).toBe(406)
  expect(await app.db.snapshot.count()).toBe(0)
})

test('the codes of top-level errors are a closed list, and each one is explained', () => {
  expect(Object.entries(ERROR_CODES).filter(([code, text]) => !/^[A-Z_]+$/.test(code) || !text)).toEqual([])
})

test.each(['abcdefgh', 'trace-1.2_3', 'a'.repeat(64)])(
  'the request id %s of a client is kept, in the header and in errors',
  async (requestId) => {
    await using app = await startTestApp()

    const response = await fetch(app.endpoint, ask('{', {}, { 'x-request-id': requestId }))

    expect(response.headers.get('x-request-id')).toBe(requestId)
    const { errors } = await errorsOf(response)
    expect(errors.map(({ extensions }) => extensions.requestId)).toEqual([requestId])
  },
)

test.each(['short', 'a'.repeat(65), 'with space', '<script>', 'ein-täg-lich'])(
  'the malformed request id %s of a client is replaced',
  async (requestId) => {
    await using app = await startTestApp()

    const response = await fetch(app.endpoint, ask('{', {}, { 'x-request-id': requestId }))

    expect(response.headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/)
  },
)

test('a page of another site gets no CORS headers, neither for a request nor for the question before it', async () => {
  await using app = await startTestApp()
  const origin = 'https://elsewhere.example'

  const asked = await fetch(app.endpoint, {
    method: 'OPTIONS',
    headers: {
      origin,
      'access-control-request-method': 'POST',
      'access-control-request-headers': 'content-type',
    },
  })
  const answered = await fetch(app.endpoint, ask(DISKS, {}, { origin }))

  expect(answered.status).toBe(200)
  const cors = [asked, answered].flatMap(({ headers }) =>
    [...headers.keys()].filter((name) => name.startsWith('access-control-')),
  )
  expect(cors).toEqual([])
})

test('a fault is masked over HTTP, server-sent events and WebSocket alike, and logged whole under its request id', async () => {
  await using app = await startTestApp({ LOG_LEVEL: 'error' })
  await app.db.$executeRaw`DROP TABLE "Disk"`
  const masked = {
    message: 'Unexpected error.',
    path: ['disks'],
    locations: [{ line: 1, column: 3 }],
    extensions: { code: 'INTERNAL_SERVER_ERROR', requestId: expect.stringMatching(/^[0-9a-f-]{36}$/) },
  }

  const { data, errors } = await app.graphql(DISKS)
  const [event] = await Array.fromAsync(app.sse(DISKS))
  await using webSocket = app.webSocket()
  const [message] = await Array.fromAsync(webSocket.iterate({ query: DISKS }), (result) =>
    outcomeOf(result as Outcome),
  )

  const answers = [{ data, errors }, event, message]
  expect(answers).toEqual(Array(3).fill({ data: null, errors: [masked] }))
  expect(JSON.stringify(answers)).not.toMatch(LEAKS)
  const ids = answers.map((answer) => answer?.errors?.[0]?.extensions.requestId)
  expect(new Set(ids).size).toBe(3)
  expect(app.logged).toEqual(
    ids.map((requestId) =>
      expect.objectContaining({
        requestId,
        msg: 'fault in a request',
        err: expect.objectContaining({
          message: expect.stringContaining('no such table'),
          stack: expect.any(String),
        }),
      }),
    ),
  )
})

test('a fault in an event of a subscription is masked over both transports, and the stream goes on', async () => {
  await using app = await startTestApp()
  const disk = await app.disk()
  const id = await app.snapshot(disk)
  await app.runner.tick()
  await app.db.$executeRaw`DROP TABLE "SnapshotTag"`
  const query = 'subscription ($id: ID!) { snapshotStatus(id: $id) { to snapshot { tags { key } } } }'
  const variables = { id }
  await using webSocket = app.webSocket()

  const streams = [
    await Array.fromAsync(app.sse(query, variables)),
    await Array.fromAsync(webSocket.iterate({ query, variables })),
  ]

  for (const events of streams) {
    expect(events).toEqual(
      ['CREATING', 'COMPLETED'].map((to) => ({
        data: { snapshotStatus: { to, snapshot: null } },
        errors: [
          {
            message: 'Unexpected error.',
            path: ['snapshotStatus', 'snapshot', 'tags'],
            locations: [{ line: 1, column: 67 }],
            extensions: {
              code: 'INTERNAL_SERVER_ERROR',
              requestId: expect.stringMatching(/^[0-9a-f-]{36}$/),
            },
          },
        ],
      })),
    )
  }
})
