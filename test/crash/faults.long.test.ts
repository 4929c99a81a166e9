import { execFileSync } from 'node:child_process'
import { chmod, chown, mkdtemp, open, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import SQLite from 'better-sqlite3'
import { expect, test } from 'vitest'
import { run } from '../support/process.ts'
import { startTestApp } from '../support/app.ts'

const CREATE = `mutation ($id: ID!) {
  createSnapshot(input: { diskId: $id, name: "s" }) { __typename ... on UserError { message } }
}`
const ACCEPTED = { createSnapshot: { __typename: 'CreateSnapshotPayload' } }

test('while another process keeps the database locked for 10 s, reads go on, and a create waits and is accepted', async () => {
  await using app = await startTestApp()
  const disk = await app.disk()
  const other = new SQLite(join(app.dataDir, 'snapgate.db'))
  other.exec('BEGIN IMMEDIATE')
  let answered = false
  const create = app.graphql(CREATE, { id: disk.id }).finally(() => {
    answered = true
  })

  // The promise is about this time; meanwhile reads are answered.
  const end = Date.now() + 10_000
  while (Date.now() < end) {
    await pause(500)
    expect((await app.graphql('{ disks { totalCount } }')).data).toEqual({ disks: { totalCount: 1 } })
  }
  expect(answered).toBe(false)
  other.exec('COMMIT')
  other.close()

  expect((await create).data).toEqual(ACCEPTED)
  await app.runner.tick()
  expect(await app.db.snapshot.count({ where: { status: 'COMPLETED' } })).toBe(1)
})

const isRoot = process.getuid?.() === 0

test.skipIf(!isRoot).each([
  ['file', 0o444, 'DATABASE_URL must name a file that can be written'],
  ['directory', 0o555, 'DATA_DIR must be a directory that can be written'],
])(
  'a database %s that may not be written stops the start with a message that names it',
  async (what, mode, problem) => {
    const dataDir = await mkdtemp(join(tmpdir(), 'snapgate-'))
    const file = join(dataDir, 'snapgate.db')
    await (await open(file, 'w')).close()
    const path = what === 'file' ? file : dataDir
    const NOBODY = 65_534
    for (const owned of [dataDir, file].filter((other) => other !== path)) await chown(owned, NOBODY, NOBODY)
    await chmod(path, mode)

    // As a user without root's rights, to whom the permissions apply.
    const { exitCode, stderr } = await run(
      'src/main.ts',
      [],
      { DATA_DIR: dataDir, DEMO: 'false', PORT: '0' },
      NOBODY,
    )

    expect([exitCode, stderr]).toEqual([
      2,
      `Invalid configuration:\n  ${problem}; ${path} is not accessible to this user.\n`,
    ])
    await rm(dataDir, { recursive: true })
  },
)

function canMount(): boolean {
  try {
    execFileSync('sh', ['-ec', 'd=$(mktemp -d); mount -t tmpfs tmpfs $d; umount $d; rmdir $d'], {
      stdio: 'ignore',
    })
    return true
  } catch {
    return false
  }
}

test.skipIf(!canMount())(
  'a disk that is full when a commit needs room costs that commit only, and nothing is half-written',
  async () => {
    const small = await mkdtemp(join(tmpdir(), 'snapgate-'))
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'tmpfs', small])
    try {
      let now = new Date()
      await using app = await startTestApp(
        { DATABASE_URL: `file:${join(small, 'snapgate.db')}` },
        { now: () => now },
      )
      const [first, second] = [await app.disk(), await app.disk()]
      expect((await app.graphql(CREATE, { id: first.id })).data).toEqual(ACCEPTED)
      const filler = await open(join(small, 'filler'), 'w')
      const fill = async () => {
        for (let size = 65_536; size >= 512;) {
          try {
            await filler.write(Buffer.alloc(size))
          } catch {
            size /= 2
          }
        }
      }
      await fill()
      // What the log of the database has already reserved is used up by commits that still fit.
      let refused: unknown
      for (let attempt = 0; attempt < 100 && refused === undefined; attempt++) {
        await app.db.account
          .update({ where: { id: first.accountId }, data: { name: `local-${attempt}` } })
          .catch((error: unknown) => (refused = error))
        await fill()
      }
      expect(refused).toBeDefined()

      const failed = await app.graphql(CREATE, { id: second.id })
      expect(failed.errors?.map(({ message, extensions }) => [message, extensions.code])).toEqual([
        ['No space is left on the storage. Try again in a moment.', 'SERVICE_UNAVAILABLE'],
      ])
      await app.runner.tick()
      expect(await app.db.snapshot.findMany({ select: { status: true, diskId: true } })).toEqual([
        { status: 'CREATING', diskId: first.id },
      ])
      expect(await app.db.snapshotTransition.count()).toBe(1)
      expect((await app.db.disk.findUniqueOrThrow({ where: { id: second.id } })).status).toBe('UNMOUNTED')

      // With room again, and when the lease of the attempt that could not be ended has run out, all goes on.
      await filler.truncate(0)
      now = new Date(now.getTime() + 120_000)
      await app.runner.tick()
      expect((await app.graphql(CREATE, { id: second.id })).data).toEqual(ACCEPTED)
      await app.runner.tick()
      const log = await app.db.snapshotTransition.findMany({ orderBy: { sequence: 'asc' } })
      expect(log.map(({ sequence, diskId, to }) => [sequence, diskId, to])).toEqual([
        [1, first.id, 'CREATING'],
        [2, first.id, 'COMPLETED'],
        [3, second.id, 'CREATING'],
        [4, second.id, 'COMPLETED'],
      ])
      await filler.close()
    } finally {
      execFileSync('umount', ['-l', small])
      await rm(small, { recursive: true })
    }
  },
)

test('a source that is removed while it is copied fails its snapshot with the reason, and the disk shows it', async () => {
  await using app = await startTestApp()
  const disk = await app.disk({ sizeMiB: 256, dataMiB: 256 })
  await app.graphql(CREATE, { id: disk.id })
  const stop = app.progress.watch((await app.db.snapshot.findFirstOrThrow()).id, () => {
    stop()
    void rm(disk.path)
  })
  await app.runner.tick()

  const { data } = await app.graphql(
    '{ snapshots { nodes { status failureReason disk { status statusReason } } } }',
  )
  expect(data.snapshots.nodes).toEqual([
    {
      status: 'FAILED',
      failureReason: 'The image file is missing. Put it right, then create the snapshot again.',
      disk: { status: 'ERROR', statusReason: 'The image file is missing.' },
    },
  ])
})
