import { open } from 'node:fs/promises'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { migrate } from '../../src/database/sqlite/migrations.ts'
import { ACCOUNT, DISKS, FREE_DISKS } from './operations.ts'

const IMAGE_BYTES = 4 * 1024 ** 2

/** Images for the disks: sparse, because nothing here reads them. */
export async function writeImages(folder: string): Promise<void> {
  for (let index = 0; index < DISKS + FREE_DISKS; index++) {
    await using image = await open(join(folder, `${index}.img`), 'w')
    await image.truncate(IMAGE_BYTES)
  }
}

/**
 * A migrated database of 200 disks with this many snapshots each, and disks to take snapshots of. Of a hundred snapshots one
 * is FAILED. They are inserted by a statement for each table, in one transaction.
 */
export async function writeWorld(path: string, images: string, perDisk: number): Promise<void> {
  await migrate(`file:${path}`)
  const db = new Database(path)
  for (const setting of ['synchronous = OFF', 'cache_size = -200000', 'temp_store = MEMORY'])
    db.pragma(setting)
  const count = `WITH RECURSIVE c(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM c WHERE n + 1 < ?)`
  db.exec('BEGIN')
  db.prepare(`INSERT INTO "Account" ("id", "name", "createdAt") VALUES (?, 'local', ?)`).run(ACCOUNT, at('0'))
  db.prepare(
    `${count} INSERT INTO "Disk" ("id", "accountId", "provider", "location", "name", "kind", "status", "sizeBytes",
       "storageType", "zone", "createdAt")
     SELECT iif(n < ${DISKS}, printf('v-bench%04d', n), printf('v-free%04d', n - ${DISKS})), '${ACCOUNT}', 'local',
       ? || '/' || n || '.img', printf(iif(n < ${DISKS}, 'disk-%04d', 'free-%04d'), n), 'DATA', 'UNMOUNTED',
       ${IMAGE_BYTES}, 'local', 'local', ${moment('n')} FROM c`,
  ).run(DISKS + FREE_DISKS, images)
  db.prepare(
    `${count} INSERT INTO "Snapshot" ("id", "accountId", "diskId", "diskKind", "name", "type", "status", "sizeBytes",
       "dataBytes", "consistency", "checksum", "createdAt", "completedAt")
     SELECT printf('s-bench%08d', n), '${ACCOUNT}', printf('v-bench%04d', n % ${DISKS}), 'DATA',
       printf('snapshot-%d', n % 1000), iif(n % 2, 'AUTOMATIC', 'MANUAL'), iif(n % 100 = 7, 'FAILED', 'COMPLETED'),
       ${IMAGE_BYTES}, 1048576, 'CLEAN', 'sha256-64k:' || printf('%064d', n), ${moment('n * 31')},
       ${moment('n * 31 + 5')} FROM c`,
  ).run(DISKS * perDisk)
  db.exec('COMMIT')
  db.pragma('wal_checkpoint(TRUNCATE)')
  db.close()
}

/** Undoes what `createSnapshot` did: the disks are free again. */
export function reset(path: string): void {
  const db = new Database(path, { timeout: 10_000 })
  db.exec(`BEGIN IMMEDIATE;
    DELETE FROM "SnapshotTransition";
    DELETE FROM "DiskTransition";
    DELETE FROM "Job";
    DELETE FROM "Snapshot" WHERE "diskId" LIKE 'v-free%';
    UPDATE "Disk" SET "status" = 'UNMOUNTED' WHERE "status" = 'SNAPSHOTTING';
    COMMIT`)
  db.pragma('wal_checkpoint(PASSIVE)')
  db.close()
}

/** A moment in seconds from the start of 2026, as Prisma stores it. */
function moment(seconds: string): string {
  return `strftime('%Y-%m-%dT%H:%M:%S', '2026-01-01', '+' || (${seconds}) || ' seconds') || '.000+00:00'`
}

function at(seconds: string): string {
  return `2026-01-01T00:00:0${seconds}.000+00:00`
}
