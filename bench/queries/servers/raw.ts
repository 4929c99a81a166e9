import { randomBytes } from 'node:crypto'
import { createServer, type IncomingMessage } from 'node:http'
import Database from 'better-sqlite3'
import { ACCOUNT, TAG } from '../operations.ts'
import type { Target } from '../load.ts'
import { listen } from './listen.ts'

export const GIB = 1024 ** 3

export interface DiskColumns {
  id: string
  name: string
  kind: string
  status: string
  sizeBytes: number
  createdAt: string
}
export interface SnapshotColumns {
  id: string
  name: string
  status: string
  sizeBytes: number
  createdAt: string
}

/** Statements by hand, as one would write who knows all the questions beforehand. Each create is a transaction of its own. */
export function statements(path: string) {
  const db = new Database(path, { timeout: 20_000 })
  db.pragma('journal_mode = WAL')
  db.pragma('synchronous = FULL')
  db.pragma('foreign_keys = ON')
  const columns = '"id", "name", "status", "sizeBytes", "createdAt"'
  const disk = db.prepare<[string], DiskColumns>(
    `SELECT ${columns}, "kind" FROM "Disk" WHERE "id" = ? AND "accountId" = '${ACCOUNT}'`,
  )
  const disks = db.prepare<[number], DiskColumns>(
    `SELECT ${columns}, "kind" FROM "Disk" WHERE "accountId" = '${ACCOUNT}' ORDER BY "name", "id" LIMIT ?`,
  )
  const ofDisk = db.prepare<[string, number], SnapshotColumns>(
    `SELECT ${columns} FROM "Snapshot" WHERE +"accountId" = '${ACCOUNT}' AND "diskId" = ?
     ORDER BY "createdAt" DESC, "id" DESC LIMIT ?`,
  )
  const withStatus = db.prepare<[string, number], SnapshotColumns>(
    `SELECT ${columns} FROM "Snapshot" WHERE "accountId" = '${ACCOUNT}' AND "status" = ?
     ORDER BY "createdAt" DESC, "id" DESC LIMIT ?`,
  )
  const claim = db.prepare<[string], { sizeBytes: number }>(
    `UPDATE "Disk" SET "status" = 'SNAPSHOTTING' WHERE "id" = ? AND "accountId" = '${ACCOUNT}' AND "kind" = 'DATA'
     AND "status" IN ('IN_USE', 'UNMOUNTED') RETURNING "sizeBytes"`,
  )
  const held = db
    .prepare<[string], number>(
      `SELECT count(*) FROM "Snapshot" WHERE "diskId" = ? AND "type" = 'MANUAL'
       AND "status" IN ('CREATING', 'COMPLETED', 'UNAVAILABLE', 'DELETING')`,
    )
    .pluck()
  const insert = db.prepare(
    `INSERT INTO "Snapshot" ("id", "accountId", "diskId", "diskKind", "name", "type", "status", "sizeBytes",
       "consistency", "createdAt") VALUES (?, '${ACCOUNT}', ?, 'DATA', ?, 'MANUAL', 'CREATING', ?, 'CLEAN', ?)`,
  )
  const append = db.prepare(
    `INSERT INTO "SnapshotTransition" ("accountId", "sequence", "tag", "snapshotId", "diskId", "to", "at")
     SELECT '${ACCOUNT}', coalesce(max("sequence"), 0) + 1, '${TAG}', ?, ?, 'CREATING', ?
     FROM "SnapshotTransition" WHERE "accountId" = '${ACCOUNT}'`,
  )
  const appendOfDisk = db.prepare(
    `INSERT INTO "DiskTransition" ("accountId", "sequence", "tag", "diskId", "from", "to", "at")
     SELECT '${ACCOUNT}', coalesce(max("sequence"), 0) + 1, '${TAG}', ?, 'UNMOUNTED', 'SNAPSHOTTING', ?
     FROM "DiskTransition" WHERE "accountId" = '${ACCOUNT}'`,
  )
  const work = db.prepare(
    `INSERT INTO "Job" ("accountId", "kind", "snapshotId", "diskId", "createdAt")
     VALUES ('${ACCOUNT}', 'COPY_SNAPSHOT', ?, ?, ?)`,
  )
  const create = db.transaction((diskId: string, name: string): SnapshotColumns => {
    const claimed = claim.get(diskId)
    if (!claimed) throw new Error('The disk cannot take a snapshot.')
    if ((held.get(diskId) ?? 0) >= 256) throw new Error('The quota is exceeded.')
    const id = newSnapshotId()
    const createdAt = new Date().toISOString().replace('Z', '+00:00')
    insert.run(id, diskId, name, claimed.sizeBytes, createdAt)
    append.run(id, diskId, createdAt)
    appendOfDisk.run(diskId, createdAt)
    work.run(id, diskId, createdAt)
    return { id, name, status: 'CREATING', sizeBytes: claimed.sizeBytes, createdAt }
  })
  return {
    disk: (id: string) => disk.get(id),
    disks: (first: number) => disks.all(first),
    ofDisk: (id: string, first: number) => ofDisk.all(id, first),
    withStatus: (status: string, first: number) => withStatus.all(status, first),
    create: (diskId: string, name: string) => create.immediate(diskId, name),
  }
}

export function newSnapshotId(): string {
  return `s-${BigInt(`0x${randomBytes(8).toString('hex')}`).toString(36)}`
}

export function iso(stored: string): string {
  return `${stored.slice(0, 23)}Z`
}

interface Request {
  operationName: string
  variables: { id: string; input: { diskId: string; name: string } }
}

/** No GraphQL at all: what answering these bytes costs at least with Node and SQLite. */
export async function raw(path: string): Promise<Target> {
  const db = statements(path)
  const shown = ({ id, name, status, sizeBytes, createdAt }: SnapshotColumns) => ({
    id,
    name,
    status,
    sizeGiB: sizeBytes / GIB,
    createdAt: iso(createdAt),
  })
  const answers: Record<string, (variables: Request['variables']) => object> = {
    Disk({ id }) {
      const disk = db.disk(id)
      if (!disk) return { disk: null }
      const { name, kind, status, sizeBytes, createdAt } = disk
      return { disk: { id, name, kind, status, sizeGiB: sizeBytes / GIB, createdAt: iso(createdAt) } }
    },
    List: () => ({
      disks: {
        nodes: db.disks(20).map(({ id, name, status }) => ({
          id,
          name,
          status,
          snapshots: { nodes: db.ofDisk(id, 10).map(shown) },
        })),
      },
    }),
    Page() {
      const rows = db.withStatus('FAILED', 21)
      return {
        snapshots: { nodes: rows.slice(0, 20).map(shown), pageInfo: { hasNextPage: rows.length > 20 } },
      }
    },
    Create({ input: { diskId, name } }) {
      const { id, status, createdAt } = db.create(diskId, name)
      return { createSnapshot: { snapshot: { id, name, status, createdAt: iso(createdAt) } } }
    },
  }
  function answer(text: string): Buffer {
    const { operationName, variables } = JSON.parse(text) as Request
    return Buffer.from(JSON.stringify({ data: answers[operationName]?.(variables) }))
  }
  const server = createServer((request: IncomingMessage, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const body = answer(Buffer.concat(chunks).toString())
      response
        .writeHead(200, { 'content-type': 'application/json; charset=utf-8', 'content-length': body.length })
        .end(body)
    })
  })
  return listen(server)
}
