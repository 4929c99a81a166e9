import { copyFileSync, mkdtempDisposableSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { postGraphql } from '../support/clients.ts'
import { copyDatabase } from '../support/copy-database.ts'
import { run, startGateway, type Gateway } from '../support/process.ts'

/** A gateway process that was backed up, went on, and was killed. */
async function startKilled() {
  await using stack = new AsyncDisposableStack()
  const outside = stack.use(mkdtempDisposableSync(join(tmpdir(), 'snapgate-'))).path
  const env = { DATA_DIR: join(outside, 'data'), DEMO: 'false', PATH: process.env.PATH ?? '' }
  const database = join(env.DATA_DIR, 'snapgate.db')
  const [file, folder] = [join(outside, 'backup.db'), join(outside, 'backup')]
  {
    await using gateway = await startGateway(env)
    await make(gateway)
    await copyDatabase(database, file)
    expect(await run('src/commands/backup.ts', ['to', folder], env)).toMatchObject({ exitCode: 0 })
    await make(gateway)
    await gateway.stop('SIGKILL')
  }
  const everything = stack.move()
  return { env, database, file, folder, [Symbol.asyncDispose]: () => everything.disposeAsync() }
}

const make = ({ endpoint }: Gateway) =>
  postGraphql(
    endpoint,
    `mutation { createAutoSnapshotPolicy(input: { name: "p", timeZone: "UTC", timePoints: [1], repeatWeekdays: [1] }) { __typename } }`,
  )
const countOf = async ({ endpoint }: Gateway) =>
  (await postGraphql(endpoint, '{ autoSnapshotPolicies { totalCount } }')).data.autoSnapshotPolicies
    .totalCount as number

test('a backup that is copied over the database of a killed gateway, whose log is deleted as documented, is what the next start has', async () => {
  await using killed = await startKilled()
  copyFileSync(killed.file, killed.database)
  for (const end of ['-wal', '-shm']) rmSync(`${killed.database}${end}`)
  await using gateway = await startGateway(killed.env)
  expect(await countOf(gateway)).toBe(1)
})

test('beside the log of a killed gateway, no start and no command opens or changes it, until it is restored by command', async () => {
  await using killed = await startKilled()
  const { env, database } = killed
  copyFileSync(killed.file, database)
  const bytes = () => ['', '-wal', '-shm'].map((end) => readFileSync(`${database}${end}`))
  const before = bytes()
  for (const [program, ...args] of [
    ['src/main.ts'],
    ['src/commands/token.ts', 'list'],
    ['src/commands/migrate.ts', 'status'],
  ] as const) {
    expect(await run(program, args, { ...env, PORT: '0' })).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining(
        `${database} was replaced, and ${database}-wal belongs to the file that was there before`,
      ),
    })
    expect(bytes()).toEqual(before)
  }
  expect(await run('src/commands/restore.ts', ['from', killed.folder], env)).toMatchObject({ exitCode: 0 })
  await using gateway = await startGateway(env)
  expect(await countOf(gateway)).toBe(1)
})
