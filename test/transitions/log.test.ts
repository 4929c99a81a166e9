import { expect, test } from 'vitest'
import { inTransaction } from '../../src/database/database.ts'
import { appendTransitions, openTransitionLog, type Transition } from '../../src/transitions/log.ts'
import { startTestApp, type TestApp } from '../support/app.ts'

const step = (snapshotId: string, to: Transition['to'] = 'CREATING') => ({
  accountId: 'acc-localhost',
  snapshotId,
  diskId: 'v-disk00001',
  from: to === 'CREATING' ? null : ('CREATING' as const),
  to,
  reason: null,
  at: new Date(0),
})

const sequences = async ({ db }: TestApp) =>
  (await db.snapshotTransition.findMany({ orderBy: { sequence: 'asc' } })).map(({ sequence }) => sequence)

test('the numbers rise without a gap, also after transactions that were undone', async () => {
  await using app = await startTestApp()
  for (let i = 0; i < 10; i++) {
    const work = inTransaction(app.db, async (tx) => {
      appendTransitions(tx, step(`s-a${i}`), step(`s-b${i}`))
      if (i % 2 === 1) throw new Error('undone')
    })
    await (i % 2 === 1 ? expect(work).rejects.toThrow('undone') : work)
  }
  expect(await sequences(app)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
})

test('a step that the life cycle does not know throws, and undoes the change it was part of', async () => {
  await using app = await startTestApp()
  const disk = await app.disk()
  const work = inTransaction(app.db, async (tx) => {
    await tx.disk.update({ where: { id: disk.id }, data: { status: 'SNAPSHOTTING' } })
    appendTransitions(tx, step('s-1'), { ...step('s-1'), from: 'COMPLETED' })
  })
  await expect(work).rejects.toThrow('A snapshot cannot go from COMPLETED to CREATING.')
  expect(await sequences(app)).toEqual([])
  expect(await app.db.disk.findUnique({ where: { id: disk.id } })).toMatchObject({ status: 'UNMOUNTED' })
})

test('a cursor stands for its number, in this log only and as far as the log goes', async () => {
  await using app = await startTestApp()
  await using other = await startTestApp()
  const [log, otherLog] = [await openTransitionLog(app.db), await openTransitionLog(other.db)]
  await inTransaction(app.db, (tx) =>
    appendTransitions(tx, ...Array.from({ length: 40 }, (_, i) => step(`s-${i}`))),
  )
  await inTransaction(other.db, (tx) =>
    appendTransitions(tx, ...Array.from({ length: 40 }, (_, i) => step(`s-${i}`))),
  )

  expect(await Promise.all([0, 1, 35, 36, 40].map((sequence) => log.parse(log.cursor(sequence))))).toEqual([
    0, 1, 35, 36, 40,
  ])
  expect(await (await openTransitionLog(app.db)).parse(log.cursor(36))).toBe(36)
  const wrong = [
    otherLog.cursor(1),
    log.cursor(41),
    log.cursor(-1),
    '',
    '1',
    `${log.cursor(1)}.1`,
    'ff.1',
    '\0',
  ]
  expect(await Promise.all(wrong.map((cursor) => log.parse(cursor)))).toEqual(wrong.map(() => 'MALFORMED'))
})

const WATCH = [
  [
    'snapshotTransitions',
    `subscription ($after: String) { snapshotTransitions(after: $after) { sequence } }`,
  ],
  [
    'snapshotStatus',
    `subscription ($after: String) { snapshotStatus(id: "s-00000001", after: $after) { sequence } }`,
  ],
] as const

test.each(WATCH)(
  '%s refuses what is not a cursor of this gateway, before it streams',
  async (_field, document) => {
    await using app = await startTestApp()
    await using other = await startTestApp()
    const foreign = (await openTransitionLog(other.db)).cursor(0)
    for (const after of ['garbage', '', foreign]) {
      const answers = []
      for await (const event of app.sse(document, { after })) answers.push(event)
      expect(answers).toEqual([
        {
          errors: [
            {
              message:
                'after is not a stream cursor of this gateway. Use the streamCursor of a list, or the cursor of a transition.',
              locations: expect.any(Array),
              path: [_field],
              extensions: { code: 'BAD_USER_INPUT', requestId: expect.any(String) },
            },
          ],
        },
      ])
    }
    expect(app.hub.listeners).toBe(0)
  },
)

test.each(WATCH)(
  '%s refuses a cursor that is older than the log, before it streams',
  async (_field, document) => {
    await using app = await startTestApp()
    const log = await openTransitionLog(app.db)
    await inTransaction(app.db, (tx) => appendTransitions(tx, step('s-1'), step('s-2'), step('s-3')))
    await app.db.transitionLog.updateMany({ data: { prunedThrough: 2 } })

    const answers = []
    for await (const event of app.sse(document, { after: log.cursor(1) })) answers.push(event)
    expect(answers).toEqual([
      {
        errors: [
          {
            message: 'The stream cursor is older than the log. List again, and watch from the new cursor.',
            locations: expect.any(Array),
            path: [_field],
            extensions: { code: 'CURSOR_EXPIRED', requestId: expect.any(String) },
          },
        ],
      },
    ])
    expect([await log.parse(log.cursor(1)), await log.parse(log.cursor(2))]).toEqual(['EXPIRED', 2])
    expect(app.hub.listeners).toBe(0)
  },
)

test('what was pruned stays expired when the log is pruned again and only histories are left', async () => {
  await using app = await startTestApp()
  const kept = await app.disk()
  await app.heldSnapshots(kept, 1)
  const { id } = await app.db.snapshot.findFirstOrThrow()
  await inTransaction(app.db, (tx) =>
    appendTransitions(tx, step(id), step('s-gone1'), step('s-gone2'), step('s-gone3')),
  )
  const everything = { before: new Date(1), keep: 0 }

  expect([await app.transitions.prune(everything), await app.transitions.prune(everything)]).toEqual([2, 0])

  expect(await sequences(app)).toEqual([1, 4])
  const cursors = [1, 2, 3, 4].map((sequence) => app.transitions.cursor(sequence))
  expect(await Promise.all(cursors.map((cursor) => app.transitions.parse(cursor)))).toEqual([
    'EXPIRED',
    'EXPIRED',
    3,
    4,
  ])
})
