import { copyFileSync, mkdtempDisposableSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import SQLite from 'better-sqlite3'
import { expect, test } from 'vitest'
import { postGraphql } from '../support/clients.ts'
import { run, startGateway } from '../support/process.ts'

const TOKEN = 'src/commands/token.ts'

test('a backup that was copied over the database of a killed gateway is not undone by its log', async () => {
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
      `mutation { createAutoSnapshotPolicy(input: { name: "p", timeZone: "UTC", timePoints: [1], repeatWeekdays: [MONDAY] }) { __typename } }`,
    )
  {
    await using gateway = await startGateway(env)
    await make(gateway.endpoint)
    new SQLite(database).exec(`VACUUM INTO '${backup}'`).close()
    await make(gateway.endpoint)
    await gateway.stop('SIGKILL')
  }
  copyFileSync(backup, database)
  await expect(startGateway(env)).rejects.toThrow(
    `${database} was replaced, and ${database}-wal belongs to the file`,
  )
  expect(await run(TOKEN, ['list'], env)).toMatchObject({ exitCode: 1, stdout: '' })
  rmSync(`${database}-wal`)
  rmSync(`${database}-shm`)
  await using gateway = await startGateway(env)
  expect(await count(gateway.endpoint)).toBe(1)
})
