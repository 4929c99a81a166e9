import { link, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { buildClientSchema, getIntrospectionQuery, isObjectType, type IntrospectionQuery } from 'graphql'
import { expect, test, vi } from 'vitest'
import { ID_PREFIXES, typeOfId, type IdType } from '../../src/domain/id.ts'
import { readCursor } from '../../src/reads/pages.ts'
import { startTestApp, type TestApp } from '../support/app.ts'
import { EVERY_NIGHT } from '../support/policies.ts'
import { walk, type Fill, type Position } from './walk.ts'

// It asks for every field with everything foreign, and there are more of them with each version.
vi.setConfig({ testTimeout: 120_000 })

/** An account full of things, of which every text contains its name. */
async function settle(app: TestApp, account: string) {
  const admin = await app.token('ADMIN', account)
  const { accountId } = admin
  const disks = await Promise.all(
    ['one', 'two', 'three', 'four'].map((name) => app.disk({ name: `${account}-disk-${name}`, accountId })),
  )
  const [disk, failing, , untouched] = disks
  if (!disk || !failing || !untouched) throw new Error('There are no disks.')
  async function create(diskId: string, name: string, clientToken: string): Promise<string> {
    return admin.snapshot(
      { id: diskId },
      {
        name,
        clientToken,
        description: `${account}-about`,
        tags: [{ key: `${account}-key`, value: `${account}-value` }],
      },
    )
  }
  const clientToken = `${account}-client-token`
  const snapshot = await create(disk.id, `${account}-snapshot`, clientToken)
  await app.runner.tick()
  const failed = await create(failing.id, `${account}-failed`, `${clientToken}-2`)
  await app.db.snapshot.update({
    where: { id: failed },
    data: { status: 'FAILED', failureReason: `${account}-reason` },
  })
  const policy = await app.policies.create(
    { ...admin, tokenId: admin.id },
    { ...EVERY_NIGHT, name: `${account}-policy` },
  )
  const run = `asr-${account}run22`
  const runDisk = `asd-${account}disk2`
  await app.db.autoSnapshotRun.create({
    data: {
      id: run,
      accountId,
      policyId: policy.id,
      slot: `${account}-slot`,
      scheduledFor: new Date(),
      decidedAt: new Date(),
      outcome: 'RUN',
      disks: {
        create: [
          {
            id: runDisk,
            accountId,
            diskId: disk.id,
            outcome: 'CREATED',
            snapshotId: snapshot,
            refusalMessage: `${account}-refusal`,
          },
        ],
      },
    },
  })
  await app.db.disk.update({ where: { id: untouched.id }, data: { policyId: policy.id } })
  const connection = await app.connections.create(
    { accountId },
    {
      name: `${account}-connection`,
      provider: 'BAIDU',
      region: `${account}-region`,
      endpoint: null,
      credentials: { provider: 'BAIDU', secret: `${account}-credentials` },
    },
  )
  const ids: Record<IdType, string> = {
    Disk: untouched.id,
    Snapshot: snapshot,
    AutoSnapshotPolicy: policy.id,
    AutoSnapshotRun: run,
    AutoSnapshotRunDisk: runDisk,
    Account: accountId,
    ApiToken: admin.id,
    Connection: connection.id,
    Activity: (await app.db.activity.findFirstOrThrow({ where: { accountId } })).id,
  }
  return { admin, accountId, disks, ids, clientToken, create }
}

/** Every text in the rows of an account. */
async function textsOf({ db }: TestApp, accountId: string): Promise<Set<string>> {
  const where = { accountId }
  const rows = await Promise.all([
    db.account.findMany({ where: { id: accountId } }),
    db.disk.findMany({ where }),
    db.snapshot.findMany({ where }),
    db.snapshotTag.findMany({ where: { snapshot: where } }),
    db.snapshotTransition.findMany({ where }),
    db.idempotencyKey.findMany({ where }),
    db.apiToken.findMany({ where }),
    db.connection.findMany({ where }),
    db.autoSnapshotPolicy.findMany({ where }),
    db.autoSnapshotRun.findMany({ where }),
    db.autoSnapshotRunDisk.findMany({ where }),
    db.diskTransition.findMany({ where }),
    db.job.findMany({ where }),
    db.activity.findMany({ where }),
  ])
  const texts = rows.flat().flatMap((row) => Object.values(row).filter((value) => typeof value === 'string'))
  return new Set(texts.filter((text) => text.length >= 5 && !/^[A-Z_]+$/.test(text)))
}

/** All of an answer that a client can read, what is encoded in cursors too. */
function readable(answer: unknown): string {
  const decoded: unknown[] = []
  const text = JSON.stringify(answer, (_key, value: unknown) => {
    if (typeof value === 'string') decoded.push(readCursor(value))
    return value
  })
  return text + JSON.stringify(decoded)
}

/** An answer without what differs each time. */
function comparable({ data, errors }: { data?: unknown; errors?: readonly any[] | undefined }): string {
  return JSON.stringify({
    data,
    errors: errors?.map(({ message, path, extensions }) => ({ message, path, code: extensions.code })),
  })
}

/** Texts that are only stored with what they come with: they refer to nothing. */
const OWN_TEXTS = [
  /^Mutation\.createSnapshot\(input:\)\.(name|description|tags\.key|tags\.value)$/,
  /^Mutation\.registerDisk\(input:\)\.(name|description|storageType|zone|attachment\.instanceId|attachment\.device)$/,
  /^Mutation\.createApiToken\(input:\)\.name$/,
  /^Mutation\.(create|update)(Snapshots?|Disk)\(input:\)\.(name|description|storageType|zone|tags\.key|tags\.value)$/,
  /^Mutation\.attachDisk\(input:\)\.(instanceId|device)$/,
  /^Mutation\.(create|update)AutoSnapshotPolicy\(input:\)\.(name|timeZone)$/,
  /^Mutation\.(create|update)Connection\(input:\)\.(name|region|endpoint|credentials\..*)$/,
  /^Limits\.acceptsTimeZone\(name:\)$/,
]

/** Texts that refer to something: what of the foreign account is tried there. */
const REFERENCES: [RegExp, (foreign: Foreign) => readonly string[]][] = [
  [/\((after|before):\)$/, ({ cursors }) => cursors],
  [/\.name\.(eq|in|contains)$/, ({ names }) => names],
  [/\.search$/, ({ ids, names }) => [...names, ...Object.values(ids)]],
  [/\.tags\.(key|value\.(eq|in|contains))$/, ({ names }) => names],
  [/\.clientToken$/, ({ clientToken }) => [clientToken]],
  [/^Mutation\.registerDisk\(input:\)\.path$/, ({ paths }) => paths],
]

interface Foreign {
  ids: Record<IdType, string>
  names: string[]
  cursors: string[]
  clientToken: string
  paths: string[]
}

/** A well-formed id of the same type that there is not. */
const missing = (id: string) => id.replace(/-.*/, '-22222222zzzz')

/** The walk asks for more at once than a client may. */
const UNLIMITED = {
  MAX_DOCUMENT_BYTES: '262144',
  MAX_ALIASES: '1000',
  MAX_DEPTH: '100',
  MAX_COST: '1000000000',
  RATE_COST: '1000000000',
}

/** The world of two accounts, and what one of them, the viewer, may not see. */
async function start() {
  const statements: string[] = []
  // Nothing is read but for a request.
  const app = await startTestApp(
    { ...UNLIMITED, LOG_POLL_MS: '60000', CREDENTIALS_KEY: Buffer.alloc(32).toString('base64') },
    { onStatement: (sql) => statements.push(sql) },
  )
  const alpha = await settle(app, 'alphaville')
  const beta = await settle(app, 'beta')
  const running = await alpha.create(alpha.disks[0]?.id ?? '', 'alpha-running', 'alpha-running-token')
  app.progress.report(running, { copiedBytes: 1, totalBytes: 7 })
  // Looking at this disk would change its status, and show.
  await rm(alpha.disks[3]?.path ?? '')
  const query = `{
    disks { streamCursor edges { cursor } }
    bySize: disks(orderBy: { field: SIZE, direction: DESC }) { edges { cursor } }
    snapshots { edges { cursor node { transitions { cursor } } } }
    apiTokens { edges { cursor } }
  }`
  const { data } = await alpha.admin.graphql(query)
  const cursors = [...JSON.stringify(data).matchAll(/"(?:cursor|streamCursor)":"([^"]+)"/g)].map(
    ([, cursor = '']) => cursor,
  )
  const foreign: Foreign = {
    ids: alpha.ids,
    names: [...alpha.disks.map(({ name }) => name), 'alphaville-snapshot'],
    cursors: [...new Set(cursors), app.transitions.cursorOf(null)],
    clientToken: alpha.clientToken,
    paths: alpha.disks.map(({ path }) => path),
  }

  const fill: Fill = (coordinate, type) => {
    if (type.name === 'ID' && /policy(Id:|\(id:|\(policyId:)/i.test(coordinate))
      return beta.ids.AutoSnapshotPolicy
    if (type.name === 'ID')
      return /snapshot(Status|Progress|History)?\(id:\)$/.test(coordinate) ? beta.ids.Snapshot : beta.ids.Disk
    if (type.name === 'String') return 'beta-text'
    if (type.name === 'Int') return 1
    if (type.name === '_Any') return { __typename: 'Disk', id: beta.ids.Disk }
    throw new Error(`Say what to give at ${coordinate}, which is a ${type.name}.`)
  }
  const introspection = (await beta.admin.graphql(getIntrospectionQuery())).data as IntrospectionQuery
  const schema = buildClientSchema(introspection)
  /** What fails if an answer has any text of the foreign account but those that the request itself had. */
  async function foreignTexts() {
    const own = await textsOf(app, beta.accountId)
    const texts = [...(await textsOf(app, alpha.accountId))].filter((text) => !own.has(text))
    expect(texts.length).toBeGreaterThan(20)
    return (what: string, answer: unknown, sent: unknown) => {
      const [haystack, given] = [readable(answer), readable(sent)]
      const found = texts.filter((text) => haystack.includes(text) && !given.includes(text))
      expect([what, found]).toEqual([what, []])
    }
  }
  return { app, alpha, running, beta, foreign, schema, walked: walk(schema, fill), statements, foreignTexts }
}

/** What is tried at a place; undefined when it is not known what to try there. */
function tries({ coordinate, scalar }: Position, foreign: Foreign): readonly string[] | undefined {
  if (OWN_TEXTS.some((pattern) => pattern.test(coordinate))) return []
  if (scalar === 'ID') return Object.values(foreign.ids)
  return REFERENCES.find(([pattern]) => pattern.test(coordinate))?.[1](foreign)
}

test('the walk knows every type of id and every text that a client can give, and asks for every field', async () => {
  const { app, alpha, walked, foreign, schema } = await start()
  await using _app = app

  expect(Object.keys(alpha.ids).sort()).toEqual(Object.keys(ID_PREFIXES).sort())
  for (const [type, id] of Object.entries(alpha.ids)) expect(typeOfId(id)).toBe(type)
  expect(
    walked.positions.filter((position) => !tries(position, foreign)).map(({ coordinate }) => coordinate),
  ).toEqual([])
  expect(walked.positions.length).toBeGreaterThan(40)
  const all = Object.values(schema.getTypeMap()).flatMap((type) =>
    isObjectType(type) && !type.name.startsWith('__')
      ? Object.keys(type.getFields()).map((field) => `${type.name}.${field}`)
      : [],
  )
  expect(all.filter((coordinate) => !walked.selected.has(coordinate))).toEqual([])
  // Nothing is left out of what is large: it is asked for in parts.
  for (const [coordinate, field] of [
    ['Query.snapshot', 'failureReasons'],
    ['Query.disk', 'statusReasons'],
  ]) {
    const own = walked.documents.filter((one) => one.coordinate === coordinate)
    expect(own.some(({ document }) => document.includes(`: ${field} {`))).toBe(true)
  }
})

test('no query of another account returns anything foreign, and a foreign id is answered, by the same statements, as one that there is not', async () => {
  const { app, alpha, beta, walked, foreign, statements, foreignTexts } = await start()
  await using _app = app
  const before = await rowsOf(app, alpha.accountId)
  const expectNothingForeign = await foreignTexts()

  const done = new Set<string>()
  async function ask(document: string, variables: Record<string, unknown>) {
    // What is known of the token was just read, so that no request has to.
    await app.credentials.check()
    statements.length = 0
    const { data, errors } = await beta.admin.graphql(document, variables)
    for (const statement of statements) done.add(statement)
    return { answer: { data, errors }, statements: [...statements] }
  }

  for (const { coordinate, kind, document, variables } of walked.documents) {
    if (kind !== 'query') continue
    const { answer } = await ask(document, variables)
    expect([coordinate, answer.errors]).toEqual([coordinate, undefined])
    expectNothingForeign(coordinate, answer, variables)
  }

  let asked = 0
  for (const position of walked.positions) {
    if (position.kind === 'subscription') continue
    for (const value of tries(position, foreign) ?? []) {
      asked++
      const variables = position.variables(value)
      const what = `${position.coordinate} = ${value}`
      const { answer, statements: taken } = await ask(position.document, variables)
      expectNothingForeign(what, answer, variables)
      if (position.scalar !== 'ID') continue
      const twin = await ask(position.document, position.variables(missing(value)))
      expect([what, comparable(answer)]).toEqual([
        what,
        comparable(twin.answer).replaceAll(missing(value), value),
      ])
      expect([what, taken]).toEqual([what, twin.statements])
    }
  }
  expect(asked).toBeGreaterThan(100)
  expect(unscoped([...done], await systemStatements(app, statements))).toEqual([])
  expect(done.size).toBeGreaterThan(20)
  expect(await rowsOf(app, alpha.accountId)).toEqual(before)
})

test('no subscription of another account, over both transports, sends anything foreign', async () => {
  const { app, alpha, running, beta, walked, foreign, statements, foreignTexts } = await start()
  await using _app = app
  await using webSocket = beta.admin.webSocket()
  const asked = [
    ...walked.documents
      .filter(({ kind }) => kind === 'subscription')
      .map(({ coordinate, document, variables }) => ({ what: coordinate, document, variables })),
    ...walked.positions
      .filter(({ kind }) => kind === 'subscription')
      .flatMap((position) =>
        (tries(position, foreign) ?? []).map((value) => ({
          what: `${position.coordinate} = ${value}`,
          document: position.document,
          variables: position.variables(value),
        })),
      ),
  ]
  statements.length = 0
  const streams = asked.flatMap(({ document, variables, what }) => [
    { what, variables, open: () => beta.admin.sse(document, variables) },
    { what, variables, open: () => webSocket.iterate({ query: document, variables }) },
  ])
  const watching = streams.map(({ what, variables, open }) => {
    const seen: unknown[] = []
    const stream = open()
    const ended = (async () => {
      for await (const event of stream) seen.push(event)
    })().catch((error: unknown) => void seen.push(error))
    return { what, variables, seen, ended }
  })
  // Those of one snapshot have read the log, and those of the whole account.
  const read = (what: RegExp) =>
    statements.filter((sql) => /"position" <= /.test(sql) && what.test(sql)).length
  await expect.poll(() => read(/WHERE "snapshotId" = /)).toBeGreaterThan(1)
  await expect.poll(() => read(/WHERE "accountId" = /)).toBeGreaterThan(1)
  const done = [...statements]
  const everything = watching.filter(({ what }) => what === 'Subscription.snapshotTransitions')
  await expect.poll(() => app.hub.listeners).toBeGreaterThan(6)

  app.progress.report(running, { copiedBytes: 5, totalBytes: 7 })
  await alpha.create(alpha.disks[2]?.id ?? '', 'alpha-live', 'alpha-live-token')
  await beta.create(beta.disks[2]?.id ?? '', 'beta-live', 'beta-live-token')
  await app.runner.tick()

  const live = await app.db.snapshot.findFirstOrThrow({ where: { name: 'beta-live' } })
  expect(everything).toHaveLength(2)
  const sawTheEnd = new RegExp(`COMPLETED.*${live.id}|${live.id}.*COMPLETED`)
  for (const { seen } of everything) await expect.poll(() => JSON.stringify(seen)).toMatch(sawTheEnd)
  expect(await app.db.snapshot.count({ where: { name: 'alpha-live', status: 'COMPLETED' } })).toBe(1)
  // Which ends them all.
  await app.tokens.revoke(beta.admin, beta.admin.id)
  await Promise.all(watching.map(({ ended }) => ended))
  const expectNothingForeign = await foreignTexts()
  for (const { what, variables, seen } of watching) expectNothingForeign(what, seen, variables)
  expect(watching.length).toBeGreaterThan(20)
  expect(unscoped(done, await systemStatements(app, statements))).toEqual([])
})

test('watching a foreign snapshot is answered, by the same statements, as watching none', async () => {
  const { app, alpha, running, beta, statements } = await start()
  await using _app = app
  for (const field of ['snapshotStatus', 'snapshotProgress']) {
    const document = `subscription ($id: ID!) { ${field}(id: $id) { snapshotId } }`
    for (const id of [alpha.ids.Snapshot, running]) {
      const answers = []
      for (const one of [id, missing(id)]) {
        await app.credentials.check()
        statements.length = 0
        const events = await Array.fromAsync(beta.admin.sse(document, { id: one }))
        const text = events.map(comparable).join('').replaceAll(one, 'it')
        answers.push({ text, statements: [...statements] })
      }
      expect(answers[0]?.text).toContain('NOT_FOUND')
      expect(answers[0]).toEqual(answers[1])
    }
  }
})

test('the same client token in two accounts stands for two snapshots', async () => {
  const { app, alpha, beta, statements } = await start()
  await using _app = app
  const create = () =>
    beta.admin.snapshot({ id: beta.disks[2]?.id ?? '' }, { name: 'beta-new', clientToken: alpha.clientToken })

  const id = await create()

  const made = await app.db.snapshot.findUniqueOrThrow({ where: { id } })
  expect([made.accountId, made.name]).toEqual([beta.accountId, 'beta-new'])
  statements.length = 0
  expect(await create()).toBe(id)
  const taken = [...statements]
  expect(unscoped(taken, await systemStatements(app, statements))).toEqual([])
})

/** The statements that read or write rows of accounts, and do not name the account; those of the whole gateway left out. */
function unscoped(statements: readonly string[], system: ReadonlySet<string>): string[] {
  return statements.filter((sql) => {
    const ofAccounts =
      /\b(FROM|UPDATE)\W+(main\W+)?(Disk|Snapshot|SnapshotTag|DiskTag|SnapshotTransition|DiskTransition|Job|AutoSnapshot\w+|IdempotencyKey|ApiToken|Connection)\b/
    const isScoped = /\bWHERE\b.*\baccountId\b/s.test(sql)
    return ofAccounts.test(sql) && !isScoped && !system.has(sql)
  })
}

/** What is read for the gateway as a whole: the log by its one reader, tokens by what is known of them, disks by place and image. */
async function systemStatements(app: TestApp, statements: string[]): Promise<Set<string>> {
  statements.length = 0
  app.transitions.tail(app.transitions.head())
  app.diskTransitions.tail(app.diskTransitions.head())
  await app.credentials.check()
  app.tokens.find('')
  await app.db.disk.count({ where: { provider: 'local', location: '' } })
  const path = join(app.dataDir, 'disks', 'known-to-the-system.img')
  await writeFile(path, 'a disk')
  await link(path, `${path}.2`)
  const labels = { name: 'known', description: '', storageType: 'local', zone: 'local', attachment: null }
  const register = (at: string) => app.disks.register(app.viewer, { ...labels, kind: 'DATA', path: at })
  const { id } = await register(path)
  await expect(register(`${path}.2`)).rejects.toMatchObject({ code: 'DISK_ALREADY_REGISTERED' })
  const system = new Set(statements)
  await app.db.disk.delete({ where: { id } })
  return system
}

/** Everything that is stored for an account, but for the last use of its tokens. */
async function rowsOf({ db }: TestApp, accountId: string) {
  const where = { accountId }
  return {
    disks: await db.disk.findMany({ where, orderBy: { id: 'asc' } }),
    snapshots: await db.snapshot.findMany({ where, orderBy: { id: 'asc' }, include: { tags: true } }),
    transitions: await db.snapshotTransition.findMany({ where }),
    keys: await db.idempotencyKey.findMany({ where }),
    tokens: await db.apiToken.findMany({ where, orderBy: { id: 'asc' }, omit: { lastUsedAt: true } }),
  }
}
