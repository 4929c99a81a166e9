import { copyFileSync, mkdtempDisposableSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import SQLite from 'better-sqlite3'
import { expect, test } from 'vitest'
import { postGraphql } from '../support/clients.ts'
import { startGateway } from '../support/process.ts'

test('a backup that is copied over the database of a killed gateway, whose log is deleted as documented, is what the next start has', async () => {
  using outside = mkdtempDisposableSync(join(tmpdir(), 'snapgate-'))
  const env = { DATA_DIR: join(outside.path, 'data'), DEMO: 'false' }
  const database = join(env.DATA_DIR, 'snapgate.db')
  const backup = join(outside.path, 'backup.db')
  const count = async (endpoint: string) =>
    (await postGraphql(endpoint, '{ autoSnapshotPolicies { totalCount } }')).data.autoSnapshotPolicies
      .totalCount
  const make = (endpoint: string) =>
    postGraphql(
      endpoint,
      `mutation { createAutoSnapshotPolicy(input: { name: "p", timeZone: "UTC", timePoints: [1], repeatWeekdays: [1] }) { __typename } }`,
    )
  {
    await using gateway = await startGateway(env)
    await make(gateway.endpoint)
    new SQLite(database).exec(`VACUUM INTO '${backup}'`).close()
    await make(gateway.endpoint)
    await gateway.stop('SIGKILL')
  }
  copyFileSync(backup, database)
  rmSync(`${database}-wal`)
  rmSync(`${database}-shm`)
  await using gateway = await startGateway(env)
  expect(await count(gateway.endpoint)).toBe(1)
})
