import { cp, mkdir, mkdtempDisposable, readdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import SQLite from 'better-sqlite3'
import { expect, test } from 'vitest'
import { openDatabase } from '../../src/database/database.ts'
import { migrate, MIGRATIONS_FOLDER } from '../../src/database/sqlite/migrations.ts'
import { appendTransitions } from '../../src/transitions/append.ts'
import { openTransitionLog } from '../../src/transitions/log.ts'

const AT = '2026-01-01T00:00:00.000+00:00'

test('cursors that were handed out before accounts had numbers stay good after the migration, and no others do', async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'snapgate-'))
  const [path, migrations] = [join(folder.path, 'snapgate.db'), join(folder.path, 'migrations')]
  await mkdir(migrations)
  for (const name of await readdir(MIGRATIONS_FOLDER))
    if (name < '0012') await cp(join(MIGRATIONS_FOLDER, name), join(migrations, name), { recursive: true })
  await migrate(`file:${path}`, migrations)
  const old = new SQLite(path)
  old.exec(`INSERT INTO "Account" VALUES ('acc-1', 'one', '${AT}'), ('acc-2', 'two', '${AT}');
    INSERT INTO "TransitionLog" VALUES ('0123456789ab', 'SNAPSHOT', 4);`)
  // Up to number 4, histories with gaps are left.
  for (const [sequence, account] of [
    [2, 1],
    [3, 2],
    [5, 2],
    [6, 1],
    [7, 2],
    [8, 2],
  ])
    old
      .prepare(
        `INSERT INTO "SnapshotTransition" ("sequence", "accountId", "snapshotId", "diskId", "to", "at") VALUES (?, ?, ?, 'v-1', 'CREATING', ?)`,
      )
      .run(sequence, `acc-${account}`, `s-${sequence}`, AT)
  old.close()

  await migrate(`file:${path}`)
  await using db = await openDatabase({ url: `file:${path}` })
  const log = await openTransitionLog(db)
  const [one, two] = [{ accountId: 'acc-1' }, { accountId: 'acc-2' }]
  const after = (cursor: string, account: { accountId: string }) => {
    const position = log.parse(cursor, account)
    return typeof position === 'string'
      ? position
      : log.page(account, position, 100).transitions.map(({ sequence, snapshotId }) => [sequence, snapshotId])
  }
  const oldCursor = (number: number) => `0123456789ab.${number.toString(36)}`

  const ofOne = [[2, 's-6']]
  const ofTwo = [
    [2, 's-5'],
    [3, 's-7'],
    [4, 's-8'],
  ]
  for (let round = 0; round < 2; round++) {
    expect([2, 3, 4, 5, 6, 7, 8, 9].map((number) => after(oldCursor(number), one))).toEqual([
      'EXPIRED',
      'EXPIRED',
      ofOne,
      ofOne,
      [],
      [],
      [],
      'EXPIRED',
    ])
    expect([3, 4, 5, 6, 7, 8].map((number) => after(oldCursor(number), two))).toEqual([
      'EXPIRED',
      ofTwo,
      ofTwo.slice(1),
      ofTwo.slice(1),
      ofTwo.slice(2),
      [],
    ])
    expect(after(`${oldCursor(5)}~fedcba987654.7`, two)).toEqual(ofTwo.slice(1))
    expect(after('fedcba987654.5', two)).toBe('EXPIRED')
  }

  // What is handed out now goes on; a later number in the old form was never handed out.
  const heads = db.reader.atOnce(() => db.reader.heads('acc-1'))
  const now = log.cursorOf(heads.snapshots)
  await db.write((sql) =>
    appendTransitions(sql, {
      ...{ accountId: 'acc-1', snapshotId: 's-9', snapshotName: null, snapshotType: null, diskId: 'v-1' },
      ...{ from: null, to: 'CREATING', reason: null, at: new Date(AT) },
    }),
  )
  expect([after(now, one), after(oldCursor(6), one), after(oldCursor(9), one)]).toEqual([
    [[3, 's-9']],
    [[3, 's-9']],
    'EXPIRED',
  ])

  // Once the log is pruned further, older ones of that account expire, also in the old form.
  await log.prune({ before: new Date(), keep: 1 })
  expect([5, 6, 7, 8].map((number) => after(oldCursor(number), two))).toEqual([
    'EXPIRED',
    'EXPIRED',
    [[4, 's-8']],
    [],
  ])
})
