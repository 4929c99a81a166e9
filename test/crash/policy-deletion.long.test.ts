import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate as nextTurn } from 'node:timers/promises'
import SQLite from 'better-sqlite3'
import { expect, onTestFinished, test } from 'vitest'
import { openDatabase } from '../../src/database/database.ts'
import { postGraphql } from '../support/clients.ts'
import { linkMany, runMany } from '../support/policies.ts'
import { startGateway, type Gateway } from '../support/process.ts'

const COUNT = 20_000

const CREATE = `mutation { createAutoSnapshotPolicy(input: { name: "a", timePoints: [0], repeatWeekdays: [0], timeZone: "UTC" }) {
  ... on CreateAutoSnapshotPolicyPayload { policy { id } } } }`
const DELETE = `mutation ($id: ID!) { deleteAutoSnapshotPolicy(input: { policyId: $id }) { __typename } }`
const POLICIES = '{ autoSnapshotPolicies { totalCount } }'

test('a policy whose deletion is cut short by a kill is not there after the restart, runs nothing, and goes by itself', async () => {
  const dataDir = await mkdtemp(join(tmpdir(), 'snapgate-'))
  onTestFinished(() => rm(dataDir, { recursive: true, force: true }))
  const environment = { DATA_DIR: dataDir, DEMO: 'false', LOG_LEVEL: 'error' }
  const path = join(dataDir, 'snapgate.db')
  let gateway: Gateway = await startGateway(environment)
  onTestFinished(() => gateway[Symbol.asyncDispose]())
  const { data: created } = await postGraphql(gateway.endpoint, CREATE)
  const policyId = created.createAutoSnapshotPolicy.policy.id as string
  const read = new SQLite(path)
  onTestFinished(() => void read.close())
  const [{ accountId }] = read.prepare('SELECT "accountId" FROM "AutoSnapshotPolicy"').all() as [
    { accountId: string },
  ]
  const own = { accountId, policyId }
  await using db = await openDatabase({ url: `file:${path}` })
  await linkMany(db, { ...own, count: COUNT })
  await runMany(db, { ...own, outcome: 'PENDING' })
  // While that kept this process busy, the gateway has closed the idle connection.
  await nextTurn()
  const count = (from: string) => read.prepare(`SELECT count(*) FROM ${from}`).pluck().get() as number
  const left = () => [
    count('"AutoSnapshotPolicy"'),
    count('"Disk" WHERE "policyId" IS NOT NULL'),
    count('"AutoSnapshotRun"'),
    count('"AutoSnapshotRunDisk"'),
  ]

  const { data } = await postGraphql(gateway.endpoint, DELETE, { id: policyId })
  expect(data.deleteAutoSnapshotPolicy.__typename).toBe('DeleteAutoSnapshotPolicyPayload')
  await gateway.stop('SIGKILL')
  const [policies, , , runDisks = 0] = left()
  expect([policies, runDisks > COUNT / 2]).toEqual([1, true])

  gateway = await startGateway(environment)
  expect((await postGraphql(gateway.endpoint, POLICIES)).data).toEqual({
    autoSnapshotPolicies: { totalCount: 0 },
  })
  await expect.poll(left, { timeout: 60_000 }).toEqual([0, 0, 0, 0])
  expect([count('"Snapshot"'), count('"Disk"')]).toEqual([0, COUNT])
})
