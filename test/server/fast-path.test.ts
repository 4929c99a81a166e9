import { expect, test } from 'vitest'
import { startTestApp, type TestApp } from '../support/app.ts'
import { ask } from '../support/ask.ts'

const JSON_HEADERS = { 'content-type': 'application/json', accept: 'application/json' }

/** Everything of an answer but what differs with each request: its id, and what is left of the budgets. */
async function post({ endpoint }: TestApp, body: string, headers: Record<string, string> = JSON_HEADERS) {
  const response = await fetch(endpoint, { method: 'POST', body, headers })
  const { 'x-request-id': requestId, ratelimit, ...headersBut } = Object.fromEntries(response.headers)
  const budgets = ratelimit?.replace(/;[rt]=\d+/g, '')
  const text = (await response.text())
    .replaceAll(requestId ?? '', '…')
    .replace(/"remaining":\d+,"resetAt":"[^"]*"/, '"…":0')
  return {
    status: response.status,
    headers: { ...headersBut, 'content-length': '', date: '' },
    text,
    budgets,
  }
}

/** The answer to the first request to Yoga, and to those after it. */
async function thrice(app: TestApp, body: string, headers?: Record<string, string>) {
  const [first, second, third] = [
    await post(app, body, headers),
    await post(app, body, headers),
    await post(app, body, headers),
  ]
  return { first, later: [second, third] }
}

const ALL = /* GraphQL */ `
  query ($id: ID!, $first: Int = 2) {
    disk(id: $id) {
      __typename
      ...Facts
      attachment {
        instanceId
        device
      }
      snapshotQuota {
        manual {
          used
          limit
          remaining
        }
      }
      snapshotEligibility {
        allowed
        refusals {
          __typename
          code
          message
          ... on DiskStatusForbidsSnapshot {
            actual
            allowed
          }
        }
      }
      renamed: name
      snapshots(first: $first) {
        totalCount
        streamCursor
        edges {
          cursor
          node {
            id
          }
        }
        nodes {
          id
          name
          description
          type
          status
          progress
          sizeGiB
          sizeBytes
          dataBytes
          checksum
          consistency
          createdAt
          completedAt
          failureReason
          stalledSince
          stallReason
          retentionDays
          expiresAt
          diskKind
          tags {
            key
            value
          }
          transitions {
            sequence
            cursor
            from
            to
            at
          }
          disk {
            name
          }
        }
        pageInfo {
          hasNextPage
          hasPreviousPage
          startCursor
          endCursor
        }
      }
    }
    none: disk(id: "v-nothing00") {
      id
    }
  }
  fragment Facts on Disk {
    id
    name
    description
    kind
    status
    statusReason
    sizeGiB
    sizeBytes
    storageType
    zone
    createdAt
  }
`

async function world(environment: Record<string, string> = {}) {
  const statements: string[] = []
  const app = await startTestApp(environment, { onStatement: (sql) => statements.push(sql) })
  const disk = await app.disk({ name: 'a-disk' })
  await app.heldSnapshots(disk, 3)
  const description = '"quoted" \\ back, é, 快照, \u2028 and \u{1f4be}'
  await app.db.snapshot.updateMany({ data: { description } })
  await app.snapshot(disk, { name: 'x', tags: [{ key: 'k', value: 'v' }] })
  return { app, disk, statements }
}

test.each(['', '0'])(
  'a query of every field is answered with the same bytes each time, with ANSWER_CACHE_BYTES=%j',
  async (ANSWER_CACHE_BYTES) => {
    const { app, disk, statements } = await world({ ANSWER_CACHE_BYTES })
    await using _ = app
    await app.runner.tick()
    const body = JSON.stringify({ query: ALL, variables: { id: disk.id } })
    const { first, later } = await thrice(app, body)
    expect(first.status).toBe(200)
    expect(JSON.parse(first.text)).toMatchObject({
      data: { disk: { snapshots: { totalCount: 4 } }, none: null },
    })
    expect(later).toEqual([first, first])
    // Work in the background may write in between, after which the answer is made anew.
    const isMade = async () => {
      statements.length = 0
      await post(app, body)
      return statements.length > 0
    }
    await expect.poll(isMade).toBe(ANSWER_CACHE_BYTES === '0')
  },
)

test('what is refused the first time is refused in the same way each time', async () => {
  const { app, disk } = await world()
  await using _ = app
  const query =
    'query ($id: ID!, $first: Int) { disk(id: $id) { snapshots(first: $first) { nodes { id } } } }'
  // The document is known, and the way to accept.
  await thrice(app, JSON.stringify({ query, variables: { id: disk.id } }))

  const bodies = [
    { query, variables: {} },
    { query, variables: { id: disk.id, first: 101 } },
    { query, variables: { id: disk.id, first: 'two' } },
    { query, variables: { id: 'no id' } },
    { query, variables: [] },
    { query, variables: 'id' },
    { query, variables: { id: disk.id }, operationName: 'Other' },
    { query, variables: { id: disk.id }, operationName: 7 },
    { query, variables: { id: disk.id }, extensions: 'x' },
    { query, variables: { id: disk.id }, surplus: 1 },
    { query: '{ nothing }' },
    { query: '{' },
    {},
    [],
  ].map((body) => JSON.stringify(body))
  for (const body of [...bodies, '', 'no JSON', '\u00ff']) {
    const { first, later } = await thrice(app, body)
    expect(first.text).toContain('"errors"')
    expect(later).toEqual([first, first])
  }
})

test('what selects nothing of an object is answered with an empty one each time', async () => {
  await using app = await startTestApp()
  const { id } = await app.disk({ status: 'ERROR' })
  const query = `query ($id: ID!) { disk(id: $id) {
    ... on Node { ... on Snapshot { name } }
    snapshotEligibility { refusals { ... on InvalidPolicy { message } } }
  } node: __typename ... on Query { disks { edges { ...Nothing } } } }
  fragment Nothing on DiskEdge { node { ... on Node { ... on Snapshot { name } } } }`

  const { first, later } = await thrice(app, JSON.stringify({ query, variables: { id } }))

  expect(first.text).toMatch(
    /^\{"data":\{"disk":\{"snapshotEligibility":\{"refusals":\[\{\}\]\}\},"node":"Query","disks":\{"edges":\[\{"node":\{\}\}\]\}\}/,
  )
  expect(later).toEqual([first, first])
})

test.each<[what: string, known: object, asked: object]>([
  [
    'an empty operation name',
    { query: 'query { disks { totalCount } }' },
    { query: 'query { disks { totalCount } }', operationName: '' },
  ],
  [
    'a variable with the name of a property of every object',
    {
      query:
        'query ($__proto__: ID!, $constructor: Int) { disk(id: $__proto__) { snapshots(first: $constructor) { totalCount } } }',
      variables: { constructor: 1 },
    },
    JSON.parse(
      '{"query":"query ($__proto__: ID!, $constructor: Int) { disk(id: $__proto__) { snapshots(first: $constructor) { totalCount } } }","variables":{"__proto__":"v-missing00"}}',
    ) as object,
  ],
  [
    'a mutation with wrong variables',
    {
      query: 'mutation ($input: CreateSnapshotInput!) { createSnapshot(input: $input) { __typename } }',
      variables: { input: { diskId: 'v-missing00', name: 'x' } },
    },
    {
      query: 'mutation ($input: CreateSnapshotInput!) { createSnapshot(input: $input) { __typename } }',
      variables: { input: { diskId: 'v-missing00', name: 7 } },
    },
  ],
])('%s is answered alike before and after the document is known', async (_what, known, asked) => {
  await using app = await startTestApp()
  await using other = await startTestApp()
  const cold = await post(app, JSON.stringify(asked))
  await thrice(other, JSON.stringify(known))

  const { first, later } = await thrice(other, JSON.stringify(asked))

  expect([first, ...later]).toEqual([cold, cold, cold])
})

test('an empty Accept is refused, also when requests without one were answered', async () => {
  await using app = await startTestApp()
  const body = '{"query":"{ disks { totalCount } }"}'
  const headers = { 'content-type': 'application/json', 'content-length': String(body.length) }
  const none = () => ask(app.endpoint, headers, { method: 'POST', body })
  const empty = () => ask(app.endpoint, { ...headers, accept: '' }, { method: 'POST', body })

  const answers = [await empty(), await none(), await none(), await empty(), await none()]

  expect(answers.map(({ status }) => status)).toEqual([406, 200, 200, 406, 200])
})

test('where introspection is closed, what an administrator ran is open to no other role', async () => {
  await using app = await startTestApp({ INTROSPECTION: 'false' })
  const [admin, viewer] = [await app.token('ADMIN'), await app.token('VIEWER')]
  const query = 'query Plain { disks { totalCount } } query Schema { __type(name: "Disk") { name } }'
  const body = (operationName: string) => JSON.stringify({ query, operationName })
  const as = ({ token }: { token: string }) => ({ ...JSON_HEADERS, authorization: `Bearer ${token}` })

  const before = await thrice(app, body('Plain'), as(viewer))
  const admins = [await thrice(app, body('Plain'), as(admin)), await thrice(app, body('Schema'), as(admin))]
  const after = [await thrice(app, body('Plain'), as(viewer)), await thrice(app, body('Schema'), as(viewer))]

  for (const { first } of admins) expect(first.text).toMatch(/^\{"data"/)
  for (const { first, later } of [before, ...after]) {
    expect(first.text).toContain('INTROSPECTION_DISABLED')
    expect([first, ...later].map(({ text }) => text.startsWith('{"data"'))).toEqual([false, false, false])
  }
})

test.each<Record<string, string>>([
  { ...JSON_HEADERS, 'content-type': 'text/plain' },
  { ...JSON_HEADERS, 'content-type': 'application/json; charset=latin1' },
  { ...JSON_HEADERS, 'content-encoding': 'gzip' },
  { ...JSON_HEADERS, accept: 'image/png' },
])('a known query with the headers %j is refused in the same way each time', async (headers) => {
  const { app, disk } = await world()
  await using _ = app
  const body = JSON.stringify({
    query: 'query ($id: ID!) { disk(id: $id) { id } }',
    variables: { id: disk.id },
  })
  await thrice(app, body)

  const { first, later } = await thrice(app, body, headers)

  expect(first.status).toBeGreaterThanOrEqual(400)
  expect(later).toEqual([first, first])
})

test.each([
  '*/*',
  'application/graphql-response+json',
  'application/graphql-response+json, application/json;q=0.9',
])('who accepts %s gets the same type each time', async (accept) => {
  const { app } = await world()
  await using _ = app
  const { first, later } = await thrice(app, '{"query":"{ disks { nodes { id } } }"}', {
    ...JSON_HEADERS,
    accept,
  })
  expect(first.status).toBe(200)
  expect(later).toEqual([first, first])
})

test('a body over the limit is refused, also when its document is known', async () => {
  const { app, disk } = await world({ MAX_BODY_BYTES: '1024' })
  await using _ = app
  const query = 'query ($id: ID!) { disk(id: $id) { id } }'
  await thrice(app, JSON.stringify({ query, variables: { id: disk.id } }))
  const { first, later } = await thrice(
    app,
    JSON.stringify({ query, variables: { id: disk.id, more: 'x'.repeat(1024) } }),
  )
  expect(first.status).toBe(413)
  expect(later.map(({ status }) => status)).toEqual([413, 413])
})

test('a mutation is run once each time it is sent', async () => {
  await using app = await startTestApp()
  const query = 'mutation ($id: ID!) { createSnapshot(input: { diskId: $id, name: "x" }) { __typename } }'
  const answers: string[] = []
  for (let times = 0; times < 4; times++) {
    const { id } = await app.disk()
    answers.push((await post(app, JSON.stringify({ query, variables: { id } }))).text)
  }
  expect(answers).toEqual(
    Array(4).fill(
      expect.stringMatching(/^\{"data":\{"createSnapshot":\{"__typename":"CreateSnapshotPayload"\}\}/),
    ),
  )
  expect(await app.db.snapshot.count()).toBe(4)
})

test('a mutation of which a part fails is run once, and answered in the same way each time', async () => {
  await using app = await startTestApp()
  const query = `mutation ($policy: CreateAutoSnapshotPolicyInput!, $snapshot: CreateSnapshotInput!) {
    createAutoSnapshotPolicy(input: $policy) { __typename }
    createSnapshot(input: $snapshot) { __typename }
  }`
  const { id: diskId } = await app.disk()
  const policy = { name: 'p', timePoints: [1], repeatWeekdays: [1] }
  const ask = (retentionDays: number) =>
    post(
      app,
      JSON.stringify({ query, variables: { policy, snapshot: { diskId, name: 'x', retentionDays } } }),
    )
  const none = 0

  const first = await ask(none)
  const known = await ask(1)
  const later = [await ask(none), await ask(none)]

  expect(first.text).toContain('retentionDays must be')
  expect(known.text).toMatch(
    /^\{"data":\{"createAutoSnapshotPolicy":\{"__typename":"CreateAutoSnapshotPolicyPayload"/,
  )
  expect(later).toEqual([first, first])
  expect(await app.db.autoSnapshotPolicy.count()).toBe(4)
})

test('the progress of a copy is never kept', async () => {
  const { app } = await world()
  await using _ = app
  const [snapshot] = await app.db.snapshot.findMany({ where: { status: 'CREATING' } })
  const body = JSON.stringify({
    query: '{ snapshots(filter: { status: { eq: CREATING } }) { nodes { progress } } }',
  })
  const seen: string[] = []
  for (const copiedBytes of [1, 2, 3, 4]) {
    app.progress.report(snapshot?.id ?? '', { copiedBytes, totalBytes: 100 })
    seen.push((await post(app, body)).text)
  }
  expect(seen).toEqual(
    [1, 2, 3, 4].map((progress) =>
      expect.stringContaining(`{"data":{"snapshots":{"nodes":[{"progress":${progress}}]}}`),
    ),
  )
})

test('each request is counted once, and pays once, whichever way it goes', async () => {
  await using app = await startTestApp({ RATE_REQUESTS: '1000', RATE_COST: '100000' })
  const { id } = await app.disk()
  const query =
    'query ($id: ID!, $first: Int) { disk(id: $id) { name snapshots(first: $first) { nodes { id } } } }'
  const left: number[][] = []
  // By Yoga, twice on the fast path, an error that Yoga renders, and the fast path again.
  for (const first of [2, 2, 2, 101, 2]) {
    const response = await fetch(app.endpoint, {
      method: 'POST',
      body: JSON.stringify({ query, variables: { id, first } }),
      headers: JSON_HEADERS,
    })
    const [, requests, cost] =
      /"requests";r=(\d+);.*"cost";r=(\d+);/.exec(response.headers.get('ratelimit') ?? '') ?? []
    left.push([Number(requests), Number(cost), Number(response.headers.get('x-query-cost'))])
    const { extensions } = (await response.json()) as { extensions?: { cost: { remaining: number } } }
    if (extensions) expect(extensions.cost.remaining).toBe(Number(cost))
  }
  const [price = 0, many = 0] = [left[0]?.[2], left[3]?.[2]]
  expect(many).toBeGreaterThan(price)
  const paid = [price, price, price, many, price]
  expect(left).toEqual(
    paid.map((points, index) => [
      999 - index,
      100_000 - paid.slice(0, index + 1).reduce((sum, one) => sum + one, 0),
      points,
    ]),
  )
})

test('a compiled query that is executed instead is logged and counted, with the reason', async () => {
  await using app = await startTestApp({ LOG_LEVEL: 'debug', METRICS: '127.0.0.1:0' })
  const { id } = await app.disk()
  const query =
    'query ($id: ID!, $first: Int) { disk(id: $id) { snapshots(first: $first) { nodes { id } } } }'
  const answers: string[] = []

  for (const first of [1, 2, 101, 102, 3])
    answers.push((await post(app, JSON.stringify({ query, variables: { id, first } }))).text)

  expect(answers.map((text) => text.includes('"errors"'))).toEqual([false, false, true, true, false])
  const noted = app.logged.filter(({ msg }) => msg === 'a compiled query was executed instead')
  const fallback = { level: 20, requestId: expect.any(String), code: 'BAD_USER_INPUT' }
  expect(noted).toEqual([expect.objectContaining(fallback), expect.objectContaining(fallback)])
  const metrics = await (await fetch(app.metricsUrl ?? '')).text()
  expect(metrics).toContain('snapgate_query_fallbacks_total{code="BAD_USER_INPUT"} 2\n')
})

test('a GET request is answered with the same bytes each time, whatever its address ends with', async () => {
  await using app = await startTestApp()
  const { id } = await app.disk()
  const search = new URLSearchParams({
    query: 'query ($id: ID!) { disk(id: $id) { id name } }',
    variables: JSON.stringify({ id }),
    operationName: '',
  })
  const headers = { accept: 'application/json' }
  const get = async (end: string) => {
    const { status, body } = await ask(`${app.endpoint}?${search}${end}`, headers)
    return [status, body.toString().replace(/,"extensions".*/, '')]
  }
  const answer = [200, `{"data":{"disk":{"id":"${id}","name":"disk-1"}}`]

  expect([await get(''), await get(''), await get('&x=/healthz'), await get('&x=/health')]).toEqual(
    Array(4).fill(answer),
  )
})

test('what was kept for one credential is told to no other account or role, and to none that has been revoked', async () => {
  await using app = await startTestApp()
  const body = JSON.stringify({ query: '{ viewer { role account { name } } disks { nodes { name } } }' })
  const tokens = [
    await app.token('ADMIN', 'one'),
    await app.token('VIEWER', 'one'),
    await app.token('ADMIN', 'two'),
  ]
  const [admin, , other] = tokens
  await app.disk({ name: 'of-one', accountId: admin?.accountId ?? '' })
  const asked = async () =>
    Promise.all(
      tokens.map(async ({ token }) => {
        const { text } = await post(app, body, { ...JSON_HEADERS, authorization: `Bearer ${token}` })
        return text.replace(/,"extensions".*/, '')
      }),
    )
  const own = (role: string, account: string, disks: string) =>
    `{"data":{"viewer":{"role":"${role}","account":{"name":"${account}"}},"disks":{"nodes":[${disks}]}}`
  const expected = [
    own('ADMIN', 'one', '{"name":"of-one"}'),
    own('VIEWER', 'one', '{"name":"of-one"}'),
    own('ADMIN', 'two', ''),
  ]
  for (let times = 0; times < 3; times++) expect(await asked()).toEqual(expected)

  await app.tokens.revoke({ accountId: other?.accountId ?? '' }, other?.id ?? '')
  await app.credentials.check()

  const [first, second, refused] = await asked()
  expect([first, second]).toEqual(expected.slice(0, 2))
  expect(refused).toContain('was revoked')
})
