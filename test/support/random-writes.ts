import type { Client } from 'pg'

/** Tables in which random transactions write, all of them with keys of a small range, so that they meet. */
const KEYS = 12

/** Random statements on all tables that are fed; `random` gives numbers from 0 to 1. */
function randomStatement(random: () => number): string {
  const below = (n: number) => Math.floor(random() * n)
  const one = <T>(list: readonly T[]): T => list[below(list.length)] as T
  const [account, disk, snapshot, policy, run] = [below(3), below(KEYS), below(KEYS * 3), below(4), below(8)]
  const at = `timestamptz '2026-01-01T00:00:00Z' + interval '${below(1e6)} milliseconds'`
  const word = `'w${below(1000)} ü \u{1F4BE} "\\ '`
  return one([
    () =>
      `INSERT INTO "Account" ("id", "name", "createdAt") VALUES ('a${account}', 'n${below(5)}', ${at}) ON CONFLICT DO NOTHING`,
    () =>
      `UPDATE "Account" SET "name" = 'n${below(5)}' WHERE "id" = 'a${account}' AND NOT EXISTS (SELECT 1 FROM "Account" WHERE "name" = 'n${below(5)}')`,
    () => `INSERT INTO "Disk" ("id", "accountId", "provider", "location", "name", "kind", "status", "sizeBytes", "storageType", "zone", "createdAt")
      SELECT 'v${disk}', "id", 'local', 'l${disk}', ${word}, 'DATA', 'IN_USE', ${below(1e9)} * 1000000::BIGINT, 's', 'z', ${at} FROM "Account" WHERE "id" = 'a${account}' ON CONFLICT DO NOTHING`,
    () =>
      `UPDATE "Disk" SET "status" = '${one(['IN_USE', 'UNMOUNTED', 'ERROR'])}', "statusReason" = ${one(['NULL', word])}, "provisioned" = ${one(['true', 'false'])} WHERE "id" = 'v${disk}'`,
    () =>
      `UPDATE "Disk" SET "location" = CASE "id" WHEN 'v${disk}' THEN 'x' ELSE 'y' END || "id" WHERE "id" IN ('v${disk}', 'v${below(KEYS)}')`,
    () =>
      `DELETE FROM "Disk" WHERE "id" = 'v${disk}' AND NOT EXISTS (SELECT 1 FROM "Snapshot" WHERE "diskId" = "Disk"."id")`,
    () =>
      `INSERT INTO "DiskTag" ("diskId", "key", "value") SELECT "id", 'k${below(3)}', ${word} FROM "Disk" WHERE "id" = 'v${disk}' ON CONFLICT DO NOTHING`,
    () => `DELETE FROM "DiskTag" WHERE "diskId" = 'v${disk}' AND "key" = 'k${below(3)}'`,
    () => `INSERT INTO "Snapshot" ("id", "accountId", "diskId", "diskKind", "name", "type", "status", "sizeBytes", "createdAt", "evicted")
      SELECT 's${snapshot}', "accountId", "id", 'DATA', ${word}, '${one(['MANUAL', 'AUTOMATIC'])}', 'CREATING', 1, ${at}, ${one(['true', 'false'])} FROM "Disk" WHERE "id" = 'v${disk}' ON CONFLICT DO NOTHING`,
    () =>
      `UPDATE "Snapshot" SET "status" = '${one(['COMPLETED', 'FAILED', 'DELETING'])}', "dataBytes" = ${below(1e6)}, "completedAt" = ${one(['NULL', at])} WHERE "id" = 's${snapshot}'`,
    () => `UPDATE "Snapshot" SET "diskId" = NULL WHERE "diskId" = 'v${disk}'`,
    () => `DELETE FROM "Snapshot" WHERE "id" IN ('s${snapshot}', 's${below(KEYS * 3)}')`,
    () =>
      `INSERT INTO "SnapshotTag" ("snapshotId", "key", "value") SELECT "id", 'k${below(3)}', ${word} FROM "Snapshot" WHERE "id" = 's${snapshot}' ON CONFLICT DO NOTHING`,
    () => `UPDATE "SnapshotTag" SET "value" = ${word} WHERE "snapshotId" = 's${snapshot}'`,
    () =>
      `INSERT INTO "Job" ("accountId", "kind", "diskId", "createdAt") SELECT "accountId", 'RESIZE_DISK', "id", ${at} FROM "Disk" WHERE "id" = 'v${disk}'`,
    () =>
      `UPDATE "Job" SET "leaseUntil" = ${at}, "progress" = ${one(['"progress"', String(below(100))])} WHERE "diskId" = 'v${disk}'`,
    () => `DELETE FROM "Job" WHERE "diskId" = 'v${disk}'`,
    () =>
      `INSERT INTO "ApiToken" ("id", "accountId", "name", "role", "hash", "createdAt") SELECT 't${disk}', "id", 'n', 'ADMIN', 'h${disk}', ${at} FROM "Account" WHERE "id" = 'a${account}' ON CONFLICT DO NOTHING`,
    () =>
      `UPDATE "ApiToken" SET "hash" = 'h' || "id" || '${below(9)}' WHERE "id" IN ('t${disk}', 't${below(KEYS)}')`,
    () =>
      `INSERT INTO "AutoSnapshotPolicy" SELECT 'p${policy}', "id", 'n', '[1]', '[1]', 7, 'UTC', ${at}, ${at}, ${at}, ${at} FROM "Account" WHERE "id" = 'a${account}' ON CONFLICT DO NOTHING`,
    () =>
      `INSERT INTO "AutoSnapshotRun" SELECT 'r${run}', "accountId", "id", 's${run}', ${at}, ${at}, 'RUN' FROM "AutoSnapshotPolicy" WHERE "id" = 'p${policy}' ON CONFLICT DO NOTHING`,
    () =>
      `INSERT INTO "AutoSnapshotRunDisk" SELECT 'd${run}', "id", 'v${disk}', "accountId", 'PENDING' FROM "AutoSnapshotRun" WHERE "id" = 'r${run}' ON CONFLICT DO NOTHING`,
    () =>
      `DELETE FROM "AutoSnapshotPolicy" WHERE "id" = 'p${policy}' AND NOT EXISTS (SELECT 1 FROM "Disk" WHERE "policyId" = "AutoSnapshotPolicy"."id")`,
  ])()
}

/** Appends a transition of an account to a log, with the next number; under a lock, as the gateway does it. */
export async function appendTransition(
  client: Client,
  log: 'Snapshot' | 'Disk',
  account: string,
): Promise<void> {
  await client.query('SELECT pg_advisory_xact_lock(hashtext($1))', [`${log} ${account}`])
  const [names, values] = log === 'Snapshot' ? ['"snapshotId", "diskId"', `'s1', 'v1'`] : ['"diskId"', `'v1'`]
  await client.query(
    `INSERT INTO "${log}Transition" ("accountId", "sequence", "tag", ${names}, "to", "at")
      SELECT $1::text, coalesce(max("sequence"), 0) + 1, substr(md5(random()::text), 1, 8), ${values}, 'CREATING', now() FROM "${log}Transition" WHERE "accountId" = $1`,
    [account],
  )
}

/** A transaction of random statements and now and then a transition, of which some are undone in part or as a whole. */
export async function randomTransaction(client: Client, random: () => number): Promise<void> {
  await client.query('BEGIN')
  try {
    for (let i = random() * 5; i > 0; i--) {
      await client.query('SAVEPOINT s')
      await client.query(randomStatement(random)).catch(() => client.query('ROLLBACK TO s'))
      if (random() < 0.1) await client.query('ROLLBACK TO s')
    }
    if (random() < 0.3) await appendTransition(client, random() < 0.5 ? 'Snapshot' : 'Disk', 'a1')
    await client.query(random() < 0.2 ? 'ROLLBACK' : 'COMMIT')
  } catch {
    // A deadlock, or a unique value that another one took first.
    await client.query('ROLLBACK').catch(() => undefined)
  }
}
