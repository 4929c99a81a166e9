import { rm } from 'node:fs/promises'
import SQLite from 'better-sqlite3'
import { expect } from 'vitest'
import type { Disk } from '../../src/generated/prisma/client.ts'
import { startTestApp, type TestApp } from '../support/app.ts'
import { chance } from '../support/random.ts'

const ACCOUNTS = ['one', 'two']
const ROLES = ['VIEWER', 'OPERATOR', 'ADMIN'] as const

const QUERIES = [
  'query ($id: ID!) { disk(id: $id) { id name status statusReason sizeBytes snapshotQuota { total { used } } } }',
  'query ($id: ID!) { node(id: $id) { id ... on Disk { status operation { kind percent } } } }',
  '{ viewer { role account { name } } autoSnapshotPolicies { totalCount } }',
  '{ disks { totalCount streamCursor nodes { name status snapshotEligibility { allowed refusals { code message } } snapshots(first: 3) { totalCount nodes { id status progress } } } } }',
  '{ snapshots(first: 5) { totalCount nodes { id name status progress completedAt tags { key } transitions { sequence to } disk { status } } } }',
  '{ snapshots(filter: { status: { eq: COMPLETED } }) { totalCount edges { cursor node { id } } pageInfo { hasNextPage endCursor } } }',
  'query ($id: ID!) { snapshots(filter: { diskId: { eq: $id }, type: { in: [MANUAL] } }) { totalCount nodes { status } } }',
]

const CREATE =
  'mutation ($id: ID!) { createSnapshot(input: { diskId: $id, name: "again", tags: [{ key: "k", value: "v" }] }) { __typename } }'

type Credential = Awaited<ReturnType<TestApp['token']>>

/** The answer without what its cost left of the budget. */
function dataOf(answer: string): string {
  return answer.replace(/,"extensions":\{"cost":[^}]*\}\}\}$/, '}')
}

/**
 * Writes of every kind, by every road there is to the database, and between them the same few questions of two accounts,
 * with credentials of every role. Each is asked as clients do, so that it may be answered by what was kept, and at once by GET, which never is: both
 * answers must be the same bytes.
 */
export async function askAndChange(interleavings: number, seed: number): Promise<void> {
  const statements: string[] = []
  await using app = await startTestApp(
    { ANSWER_CACHE_BYTES: '' },
    { onStatement: (sql) => statements.push(sql) },
  )
  const { db, endpoint } = app
  const random = chance(seed)
  const otherProcess = new SQLite(app.config.databaseUrl.slice('file:'.length), { timeout: 10_000 })
  const disks: (Disk & { path: string })[] = []
  const credentials: Credential[] = []
  for (const account of ACCOUNTS) {
    for (const role of ROLES) credentials.push(await app.token(role, account))
    const { accountId = '' } = credentials.at(-1) ?? {}
    for (let index = 0; index < 3; index++) disks.push(await app.disk({ dataMiB: 0, accountId }))
  }
  const anyDisk = () => random.pick(disks)
  const anySnapshot = async () => {
    const rows = await db.snapshot.findMany({ select: { id: true, accountId: true }, take: 40 })
    return rows.length === 0 ? undefined : random.pick(rows)
  }
  const ask = async ({ token }: Credential, query: string, id: string) => {
    const body = JSON.stringify({ query, variables: { id } })
    const headers = {
      authorization: `Bearer ${token}`,
      'content-type': 'application/json',
      accept: 'application/json',
    }
    return (await fetch(endpoint, { method: 'POST', body, headers })).text().then(dataOf)
  }
  const askAnew = async ({ token }: Credential, query: string, id: string) => {
    const search = new URLSearchParams({ query, variables: JSON.stringify({ id }) })
    const headers = {
      authorization: `Bearer ${token}`,
      accept: 'application/json',
    }
    return (await fetch(`${endpoint}?${search.toString()}`, { headers })).text().then(dataOf)
  }

  const changes: (() => unknown)[] = [
    async () => {
      const disk = anyDisk()
      const owner = credentials.find(
        ({ accountId, role }) => accountId === disk.accountId && role === 'OPERATOR',
      )
      if (owner) await ask(owner, CREATE, disk.id)
    },
    () => app.runner.tick(),
    () => app.looks.lookAtAll(),
    async () => {
      const disk = anyDisk()
      await db.disk.updateMany({
        where: { id: disk.id },
        data: { status: random.pick(['UNMOUNTED', 'ERROR', 'IN_USE']) },
      })
    },
    () =>
      otherProcess
        .prepare('UPDATE "Disk" SET "name" = ? WHERE "id" = ?')
        .run(`disk-${random.below(9)}`, anyDisk().id),
    async () => {
      const snapshot = await anySnapshot()
      if (snapshot) await db.snapshot.delete({ where: { id: snapshot.id } })
    },
    async () => {
      const snapshot = await anySnapshot()
      if (!snapshot) return
      await db.snapshot.update({
        where: { id: snapshot.id },
        data: { status: random.pick(['CREATING', 'COMPLETED']) },
      })
      if (random.happens(0.5)) app.progress.close(snapshot.id)
      else app.progress.report(snapshot.id, { copiedBytes: random.below(100), totalBytes: 100 })
    },
    async () => {
      const snapshot = await anySnapshot()
      if (snapshot) app.progress.report(snapshot.id, { copiedBytes: random.below(100), totalBytes: 100 })
    },
    () => app.housekeeping.tick(),
    () => db.disk.count(),
  ]

  const [first = anyDisk()] = disks
  let kept = 0
  let made = 0
  for (let done = 0; done < interleavings; done++) {
    if (random.happens(0.2)) await random.pick(changes)()
    const credential = random.pick(credentials)
    const query = random.pick(QUERIES)
    const { id } = query.includes('$id') ? random.pick(disks.slice(2, 4)) : first
    statements.length = 0
    const answer = await ask(credential, query, id)
    if (!statements.some((sql) => sql.startsWith('SELECT '))) kept++
    else made++
    expect(answer).toEqual(await askAnew(credential, query, id))
    expect(answer).toMatch(/^\{"data":\{/)
  }
  otherProcess.close()
  await rm(app.dataDir, { recursive: true, force: true })
  // Else nothing was tried.
  expect(kept).toBeGreaterThan(interleavings / 40)
  expect(made).toBeGreaterThan(interleavings / 20)
}
