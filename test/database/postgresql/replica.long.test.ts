import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempDisposable } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { migrate } from '../../../src/database/postgresql/migrations.ts'
import { hasPostgres, startPostgres } from '../../support/postgresql.ts'
import { randomTransaction } from '../../support/random-writes.ts'
import { connect, differences, replicaOf } from '../../support/replica.ts'

const ROUNDS = 20
const WRITERS = 4
const PROGRAM = fileURLToPath(new URL('following-process.ts', import.meta.url))

describe.skipIf(!hasPostgres)('the replica (skipped where there is no PostgreSQL)', () => {
  test(
    `has every row after ${ROUNDS} kills of its process while several connections write, and of the server in every fourth`,
    { timeout: 900_000 },
    async () => {
      await using cluster = await startPostgres({ fsync: 'on' })
      const url = await cluster.database()
      await migrate(url)
      await using folder = await mkdtempDisposable(join(tmpdir(), 'snapgate-'))
      const path = join(folder.path, 'replica.db')
      const end = new AbortController()
      const goesOn = () => !end.signal.aborted
      let committed = 0
      const writing = Array.from({ length: WRITERS }, async () => {
        while (goesOn()) {
          try {
            await using client = await connect(url)
            while (goesOn()) {
              await randomTransaction(client, Math.random)
              committed++
            }
          } catch {
            // The server was killed.
            await pause(20)
          }
        }
      })
      try {
        for (let round = 1; round <= ROUNDS; round++) {
          const child = spawn(process.execPath, [PROGRAM, url, path], {
            stdio: ['ignore', 'pipe', 'inherit'],
          })
          const exited = once(child, 'exit')
          await once(child.stdout, 'data')
          await pause(Math.random() * 500)
          if (round % 4 === 0) {
            await cluster.kill()
            await cluster.startAgain()
            await pause(Math.random() * 500)
          }
          child.kill('SIGKILL')
          await exited
        }
      } finally {
        end.abort()
        await Promise.all(writing)
      }
      expect(committed).toBeGreaterThan(ROUNDS)
      await using replica = await replicaOf(url, path)
      expect(replica.path).toBe(path)
      expect(await differences(url, path)).toEqual({})
    },
  )

  test(
    'a commit whose xid was given before the server was killed is not missed',
    { timeout: 300_000 },
    async () => {
      await using cluster = await startPostgres({ fsync: 'on' })
      const url = await cluster.database()
      await using folder = await mkdtempDisposable(join(tmpdir(), 'snapgate-'))
      await using replica = await replicaOf(url, join(folder.path, 'replica.db'))
      const xids: string[] = []
      for (let round = 0; round < 3; round++) {
        {
          // Its changes are not in the log when the server is killed, and neither is its xid.
          await using client = await connect(url)
          await client.query('BEGIN')
          await client.query(
            `INSERT INTO "Account" ("id", "name", "createdAt") VALUES ('lost-${round}', 'lost-${round}', now())`,
          )
          const { rows } = await client.query<{ xid: string }>('SELECT pg_current_xact_id()::text AS xid')
          xids.push(rows[0]?.xid ?? '')
          await replica.fresh()
          await cluster.kill()
        }
        await cluster.startAgain()
        await using client = await connect(url)
        await client.query(
          `INSERT INTO "Account" ("id", "name", "createdAt") VALUES ('kept-${round}', 'kept-${round}', now())`,
        )
        const { rows } = await client.query<{ xid: string }>(
          'SELECT "xid"::text AS xid FROM "Commit" ORDER BY "version" DESC LIMIT 1',
        )
        // What this test is about: without it, it would prove nothing.
        expect(rows[0]?.xid).toBe(xids.at(-1))
        await expect.poll(() => differences(url, replica.path)).toEqual({})
      }
    },
  )
})
