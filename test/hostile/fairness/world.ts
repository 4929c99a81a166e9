import { mkdir, open, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import SQLite from 'better-sqlite3'
import { COUNT_SNAPSHOTS } from '../../../src/database/postgresql/replica/file.ts'
import { migrate } from '../../../src/database/sqlite/migrations.ts'
import { hashOfToken, tokenFrom } from '../../../src/services/token-secret.ts'

/** 1,000,000 snapshots and 100,000 disks: nine tenths of them the attacker's. */

const ATTACKER = 'acc-attacker'
const VICTIM = 'acc-victim0'
export const TOKENS = {
  attacker: tokenFrom(new Uint8Array(32).fill(1)),
  victim: tokenFrom(new Uint8Array(32).fill(2)),
}

const DISKS = 100_000
const SNAPSHOTS = 1_000_000
const VICTIM_DISKS = 10_000
const IMAGE_BYTES = 64 * 1024

/** Disks with images: snapshots of them can be taken. */
export const REAL_DISKS = { attacker: 100, victim: 300 }
/** Disks with as many snapshots as one can hold, free to be released. */
export const FULL_DISKS = 40
const PER_FULL_DISK = 512
/** Policies with very many disks. */
export const LARGE_POLICIES = 20
const PER_LARGE_POLICY = 2_000
/** Disks that are linked to a policy and hold 200 automatic snapshots each. */
export const LINKED_DISKS = 400
const PER_LINKED_DISK = 200

export const realDisk = (who: keyof typeof REAL_DISKS, index: number) => `v-${who}${padded(index, 6)}`
export const bulkDisk = (index: number) => `v-bulk${padded(index, 6)}`
export const fullDisk = (index: number) => `v-full${padded(index, 6)}`
export const linkedDisk = (index: number) => `v-link${padded(index, 6)}`
export const largePolicy = (index: number) => `asp-large${padded(index, 4)}`
export const LINKED_POLICY = 'asp-linked000'
/** Its disks cannot be snapshotted, so that a run of it makes no copies. */
const DUE_POLICY = 'asp-due000000'
export const bulkSnapshot = (index: number) => `s-bulk${padded(index, 8)}`

function padded(index: number, length: number): string {
  return String(index).padStart(length, '0')
}

const FREE_NUMBER = `WITH RECURSIVE c(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM c WHERE n + 1 < ?)`
const DISK_COLUMNS = `"id", "accountId", "provider", "location", "name", "kind", "status", "sizeBytes", "storageType",
  "zone", "createdAt", "provisioned", "policyId", "description"`
const SNAPSHOT_COLUMNS = `"id", "accountId", "diskId", "diskKind", "name", "description", "type", "status", "sizeBytes",
  "dataBytes", "consistency", "checksum", "createdAt", "completedAt"`
const moment = (seconds: string) =>
  `strftime('%Y-%m-%dT%H:%M:%S', '2026-01-01', '+' || (${seconds}) || ' seconds') || '.000+00:00'`

/** Writes the database and the images into a folder that is to be the DATA_DIR of a gateway. */
export async function writeWorld(dataDir: string): Promise<string> {
  const path = join(dataDir, 'snapgate.db')
  const images = join(dataDir, 'disks')
  await mkdir(images)
  for (const who of ['attacker', 'victim'] as const)
    for (let index = 0; index < REAL_DISKS[who]; index++)
      await writeFile(join(images, `${realDisk(who, index)}.img`), Buffer.alloc(IMAGE_BYTES, index + 1))
  await migrate(`file:${path}`)
  const db = new SQLite(path)
  for (const setting of [
    'synchronous = OFF',
    'cache_size = -400000',
    'temp_store = MEMORY',
    'foreign_keys = OFF',
  ])
    db.pragma(setting)
  db.exec('BEGIN')
  const dropped = db
    .prepare<[], { type: string; name: string; sql: string }>(
      `SELECT "type", "name", "sql" FROM sqlite_schema WHERE "tbl_name" = 'Snapshot' AND "type" IN ('index', 'trigger')
       AND "sql" IS NOT NULL`,
    )
    .all()
  for (const { type, name } of dropped) db.exec(`DROP ${type} "${name}"`)
  accounts(db)
  policies(db)
  disks(db, images)
  snapshots(db)
  db.exec(COUNT_SNAPSHOTS)
  for (const { sql: statement } of dropped) db.exec(statement)
  db.exec('COMMIT')
  db.pragma('wal_checkpoint(TRUNCATE)')
  db.close()
  await using file = await open(path)
  await file.sync()
  return path
}

function accounts(db: SQLite.Database): void {
  const account = db.prepare(
    `INSERT INTO "Account" ("id", "name", "createdAt") VALUES (?, ?, ${moment('0')})`,
  )
  const token = db.prepare(
    `INSERT INTO "ApiToken" ("id", "accountId", "name", "role", "hash", "createdAt")
     VALUES (?, ?, 'fairness', 'ADMIN', ?, ${moment('0')})`,
  )
  for (const [who, id] of [
    ['attacker', ATTACKER],
    ['victim', VICTIM],
  ] as const) {
    account.run(id, who)
    token.run(`tok-${who}`, id, hashOfToken(TOKENS[who]))
  }
}

function policies(db: SQLite.Database): void {
  const insert = db.prepare(
    `INSERT INTO "AutoSnapshotPolicy" ("id", "accountId", "name", "timePoints", "repeatWeekdays", "retentionDays",
       "timeZone", "createdAt", "updatedAt", "decidedThrough", "dueAt")
     VALUES (?, '${ATTACKER}', ?, '[0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23]', '[0,1,2,3,4,5,6]', -1,
       'America/New_York', ${moment('0')}, ${moment('0')}, ?, ?)`,
  )
  // Nothing is due while the test runs.
  const through = new Date(Date.now()).toISOString().replace('Z', '+00:00')
  const due = new Date(Date.now() + 86_400_000).toISOString().replace('Z', '+00:00')
  for (const id of [
    LINKED_POLICY,
    DUE_POLICY,
    ...Array.from({ length: LARGE_POLICIES }, (_, n) => largePolicy(n)),
  ])
    insert.run(id, id, through, due)
}

function disks(db: SQLite.Database, images: string): void {
  const values = (
    id: string,
    account: string,
    status: string,
    policy: string,
    location: string,
    real: number,
  ) =>
    `${id}, '${account}', 'local', ${location}, 'disk-' || n, 'DATA', '${status}', ${IMAGE_BYTES}, 'local', 'local',
     ${moment('n')}, ${real}, ${policy}, ''`
  const insert = (count: number, columns: string, ...given: unknown[]) =>
    db
      .prepare(`${FREE_NUMBER} INSERT INTO "Disk" (${DISK_COLUMNS}) SELECT ${columns} FROM c`)
      .run(count, ...given)
  for (const [who, account] of [
    ['attacker', ATTACKER],
    ['victim', VICTIM],
  ] as const) {
    const id = `printf('v-${who}%06d', n)`
    insert(
      REAL_DISKS[who],
      values(id, account, 'UNMOUNTED', 'NULL', `? || '/' || ${id} || '.img'`, 1),
      images,
    )
  }
  const nowhere = (kind: string) => `printf('/nowhere/${kind}%06d', n)`
  const id = (kind: string) => `printf('v-${kind}%06d', n)`
  insert(FULL_DISKS, values(id('full'), ATTACKER, 'UNMOUNTED', 'NULL', nowhere('full'), 0))
  insert(LINKED_DISKS, values(id('link'), ATTACKER, 'IN_USE', `'${LINKED_POLICY}'`, nowhere('link'), 0))
  insert(VICTIM_DISKS, values(id('calm'), VICTIM, 'UNMOUNTED', 'NULL', nowhere('calm'), 0))
  const linked = LARGE_POLICIES * PER_LARGE_POLICY
  const policy = `CASE WHEN n < ${linked} THEN printf('asp-large%04d', n / ${PER_LARGE_POLICY})
    WHEN n < ${linked + 5_000} THEN '${DUE_POLICY}' END`
  const others = REAL_DISKS.attacker + REAL_DISKS.victim + FULL_DISKS + LINKED_DISKS + VICTIM_DISKS
  insert(DISKS - others, values(id('bulk'), ATTACKER, 'EXPIRED', policy, nowhere('bulk'), 0))
}

function snapshots(db: SQLite.Database): void {
  const insert = (count: number, id: string, account: string, disk: string, type: string) =>
    db
      .prepare(
        `${FREE_NUMBER} INSERT INTO "Snapshot" (${SNAPSHOT_COLUMNS}) SELECT ${id}, '${account}', ${disk}, 'DATA',
           printf('snapshot-%d', n % 1000), iif(n < 20000, ?, ''), ${type}, iif(n % 100 = 7, 'FAILED', 'COMPLETED'),
           ${IMAGE_BYTES}, ${IMAGE_BYTES}, 'CLEAN', 'sha256-64k:' || printf('%064d', n), ${moment('100000000 - n * 31')},
           ${moment('100000005 - n * 31')} FROM c`,
      )
      .run(count, 'é"\\'.repeat(333))
  const full = FULL_DISKS * PER_FULL_DISK
  const linked = LINKED_DISKS * PER_LINKED_DISK
  const calm = VICTIM_DISKS * 10
  insert(
    full,
    `printf('s-full%08d', n)`,
    ATTACKER,
    `printf('v-full%06d', n / ${PER_FULL_DISK})`,
    `iif(n % 2, 'AUTOMATIC', 'MANUAL')`,
  )
  insert(
    linked,
    `printf('s-link%08d', n)`,
    ATTACKER,
    `printf('v-link%06d', n / ${PER_LINKED_DISK})`,
    `'AUTOMATIC'`,
  )
  insert(calm, `printf('s-calm%08d', n)`, VICTIM, `printf('v-calm%06d', n % ${VICTIM_DISKS})`, `'MANUAL'`)
  // Most of them of few disks each, so that their pages are full.
  insert(
    SNAPSHOTS - full - linked - calm,
    `printf('s-bulk%08d', n)`,
    ATTACKER,
    `printf('v-bulk%06d', n % 4000)`,
    `'MANUAL'`,
  )
}
