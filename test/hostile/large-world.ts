import { open } from 'node:fs/promises'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { migrate } from '../../src/database/migrations.ts'
import { hashOfToken, tokenFrom } from '../../src/services/token-secret.ts'

/** The account that attacks owns almost everything; the other one owns a few disks. */
export const DISKS = 100_000
export const SNAPSHOTS = 1_000_000
/** Disks with an image, which can take snapshots. The others belong to a provider that does not run here. */
export const REAL_DISKS = 150
const CALM_DISKS = 20
export const POLICIES = 100
/** Past transitions in the log of snapshots, for streams that replay it. */
export const TRANSITIONS = 200_000

const IMAGE_BYTES = 1024 ** 2
const DESCRIPTION = 'é'.repeat(1_000)

/** A number in an id that sorts as the number does. */
export const diskId = (index: number) => `v-large${String(index).padStart(8, '0')}`
export const snapshotId = (index: number) => `s-large${String(index).padStart(8, '0')}`
export const policyId = (index: number) => `asp-large${String(index).padStart(4, '0')}`

export interface LargeWorld {
  /** Credentials of the account that attacks and of the other one. */
  attacker: string
  calm: string
}

/**
 * Writes a migrated database of 1,000,000 snapshots and 100,000 disks. Every second row of the large account has a
 * description of the greatest length, in letters of two bytes.
 */
export async function writeLargeWorld(dataDir: string): Promise<LargeWorld> {
  const path = join(dataDir, 'snapgate.db')
  const disksDir = join(dataDir, 'disks')
  await migrate(`file:${path}`)
  for (let index = 0; index < REAL_DISKS + CALM_DISKS; index++) {
    await using image = await open(join(disksDir, `${index}.img`), 'w')
    await image.truncate(IMAGE_BYTES)
  }
  const db = new Database(path)
  for (const setting of ['synchronous = OFF', 'cache_size = -400000', 'temp_store = MEMORY'])
    db.pragma(setting)
  db.exec('BEGIN')
  const triggers = db
    .prepare<[], { name: string; sql: string }>(
      `SELECT name, sql FROM sqlite_schema WHERE type = 'trigger' AND name LIKE 'SnapshotCount%'`,
    )
    .all()
  for (const { name } of triggers) db.exec(`DROP TRIGGER "${name}"`)

  const credentials = ['attacker', 'calm'].map((name, index) => {
    const token = tokenFrom(Buffer.alloc(32, index + 1))
    db.prepare(`INSERT INTO "Account" ("id", "name", "createdAt") VALUES (?, ?, ?)`).run(
      `acc-${name}00`,
      name,
      START,
    )
    db.prepare(
      `INSERT INTO "ApiToken" ("id", "accountId", "name", "role", "hash", "createdAt") VALUES (?, ?, ?, 'ADMIN', ?, ?)`,
    ).run(`tok-${name}00`, `acc-${name}00`, name, hashOfToken(token), START)
    return `Bearer ${token}`
  })
  db.prepare(
    `${COUNT} INSERT INTO "AutoSnapshotPolicy" ("id", "accountId", "name", "timePoints", "repeatWeekdays", "retentionDays",
       "timeZone", "createdAt", "updatedAt", "decidedThrough", "dueAt")
     SELECT printf('asp-large%04d', n), 'acc-attacker00', printf('policy-%04d', n), '[3]', '[' || (n % 7) || ']', -1,
       'Europe/Berlin', '${START}', '${START}', '2090-01-01T00:00:00.000+00:00', '2090-01-01T00:00:00.000+00:00' FROM c`,
  ).run(POLICIES)
  db.prepare(
    `${COUNT} INSERT INTO "Disk" ("id", "accountId", "provider", "location", "name", "description", "kind", "status",
       "sizeBytes", "storageType", "zone", "createdAt", "policyId")
     SELECT printf('v-large%08d', n), iif(n >= ${REAL_DISKS} AND n < ${REAL_DISKS + CALM_DISKS}, 'acc-calm00', 'acc-attacker00'),
       iif(n < ${REAL_DISKS + CALM_DISKS}, 'local', 'elsewhere'), ? || '/' || n || '.img', printf('disk-%08d', (n * 7919) % ${DISKS}),
       iif(n % 2, ?, ''), 'DATA', 'UNMOUNTED', ${IMAGE_BYTES}, 'local', 'local', ${moment('n')},
       iif(n >= ${REAL_DISKS + CALM_DISKS}, printf('asp-large%04d', iif(n % 2, 0, n % ${POLICIES})), NULL) FROM c`,
  ).run(DISKS, disksDir, DESCRIPTION)
  db.prepare(
    `${COUNT} INSERT INTO "Snapshot" ("id", "accountId", "diskId", "diskKind", "name", "description", "type", "status",
       "sizeBytes", "dataBytes", "consistency", "checksum", "createdAt", "completedAt")
     SELECT printf('s-large%08d', n), d."accountId", d."id", 'DATA', printf('snapshot-%d', n % 1000),
       iif(n % 10, '', ?), iif(n % 2, 'AUTOMATIC', 'MANUAL'), iif(n % 100 = 7, 'FAILED', 'COMPLETED'), ${IMAGE_BYTES},
       1048576, 'CLEAN', 'sha256-64k:' || printf('%064d', n), ${moment('n * 20')}, ${moment('n * 20 + 5')}
     FROM c JOIN "Disk" d ON d."id" = printf('v-large%08d', (n * 31) % ${DISKS})`,
  ).run(SNAPSHOTS, DESCRIPTION)
  db.exec(`
    INSERT INTO "SnapshotCount" SELECT "accountId", '', "type", "status", "evicted", count(*) FROM "Snapshot" GROUP BY 1, 3, 4, 5;
    INSERT INTO "SnapshotCount" SELECT "accountId", "diskId", "type", "status", "evicted", count(*) FROM "Snapshot"
      GROUP BY 1, 2, 3, 4, 5`)
  db.prepare(
    `${COUNT} INSERT INTO "SnapshotTransition" ("accountId", "snapshotId", "diskId", "from", "to", "reason", "at")
     SELECT s."accountId", s."id", s."diskId", NULL, 'CREATING', NULL, s."createdAt"
     FROM c JOIN "Snapshot" s ON s."id" = printf('s-large%08d', n)`,
  ).run(TRANSITIONS)
  db.prepare(
    `${COUNT} INSERT INTO "SnapshotTag" ("snapshotId", "key", "value")
     SELECT printf('s-large%08d', n / 20), printf('key-%d', n % 20), 'value-' || (n % 3) FROM c`,
  ).run(200_000)
  for (const { sql } of triggers) db.exec(sql)
  db.exec('COMMIT')
  db.pragma('wal_checkpoint(TRUNCATE)')
  db.close()
  const [attacker = '', calm = ''] = credentials
  return { attacker, calm }
}

const COUNT = 'WITH RECURSIVE c(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM c WHERE n + 1 < ?)'
const START = '2026-01-01T00:00:00.000+00:00'

/** As Prisma stores a moment so many seconds into 2026. */
function moment(seconds: string): string {
  return `strftime('%Y-%m-%dT%H:%M:%S', '2026-01-01', '+' || (${seconds}) || ' seconds') || '.000+00:00'`
}
