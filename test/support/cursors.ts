import { Prisma } from '../../src/generated/prisma/client.ts'
import type { TestApp } from './app.ts'

/** The cursor of the transition with this number in the local account's log of snapshots; 0 is before the first one. */
export function cursorAt(app: TestApp, sequence: number): string {
  return app.transitions.cursorOf(headAt(app, 'SnapshotTransition', sequence))
}

/** The same in the log of disks. */
export function diskCursorAt(app: TestApp, sequence: number): string {
  return app.diskTransitions.cursorOf(headAt(app, 'DiskTransition', sequence))
}

function headAt({ db, viewer }: TestApp, table: string, sequence: number): string | null {
  if (sequence === 0) return null
  const row = db.reader.get<{ tag: string }>(
    Prisma.sql`SELECT "tag" FROM ${Prisma.raw(`"${table}"`)}
      WHERE "accountId" = ${viewer.accountId} AND "sequence" = ${sequence}`,
  )
  if (!row) throw new Error(`There is no transition ${sequence}.`)
  return `${sequence}.${row.tag}`
}
