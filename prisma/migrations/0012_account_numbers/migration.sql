-- CreateTable
CREATE TABLE "PrunedTransitions" (
    "accountId" TEXT NOT NULL,
    "subject" TEXT NOT NULL,
    "sequence" INTEGER NOT NULL,
    "tag" TEXT NOT NULL,
    "position" INTEGER NOT NULL,

    PRIMARY KEY ("accountId", "subject")
);

-- RedefineTables
PRAGMA defer_foreign_keys=ON;
PRAGMA foreign_keys=OFF;
CREATE TABLE "new_DiskTransition" (
    "position" INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    "accountId" TEXT NOT NULL,
    "sequence" INTEGER NOT NULL,
    "tag" TEXT NOT NULL,
    "diskId" TEXT NOT NULL,
    "from" TEXT,
    "to" TEXT NOT NULL,
    "reason" TEXT,
    "at" DATETIME NOT NULL
);
-- What was the number is the position; the numbers are those of each account.
INSERT INTO "new_DiskTransition" ("position", "accountId", "sequence", "tag", "diskId", "from", "to", "reason", "at")
SELECT "sequence", "accountId", row_number() OVER (PARTITION BY "accountId" ORDER BY "sequence"), lower(hex(randomblob(6))), "diskId", "from", "to", "reason", "at"
FROM "DiskTransition" ORDER BY "sequence";
DROP TABLE "DiskTransition";
ALTER TABLE "new_DiskTransition" RENAME TO "DiskTransition";
CREATE INDEX "DiskTransition_diskId_position_idx" ON "DiskTransition"("diskId", "position");
CREATE INDEX "DiskTransition_accountId_position_idx" ON "DiskTransition"("accountId", "position");
CREATE INDEX "DiskTransition_diskId_at_idx" ON "DiskTransition"("diskId", "at");
CREATE UNIQUE INDEX "DiskTransition_accountId_sequence_key" ON "DiskTransition"("accountId", "sequence");
CREATE TABLE "new_SnapshotTransition" (
    "position" INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    "accountId" TEXT NOT NULL,
    "sequence" INTEGER NOT NULL,
    "tag" TEXT NOT NULL,
    "snapshotId" TEXT NOT NULL,
    "snapshotName" TEXT,
    "diskId" TEXT NOT NULL,
    "from" TEXT,
    "to" TEXT NOT NULL,
    "reason" TEXT,
    "at" DATETIME NOT NULL
);
INSERT INTO "new_SnapshotTransition" ("position", "accountId", "sequence", "tag", "snapshotId", "snapshotName", "diskId", "from", "to", "reason", "at")
SELECT "sequence", "accountId", row_number() OVER (PARTITION BY "accountId" ORDER BY "sequence"), lower(hex(randomblob(6))), "snapshotId", "snapshotName", "diskId", "from", "to", "reason", "at"
FROM "SnapshotTransition" ORDER BY "sequence";
DROP TABLE "SnapshotTransition";
ALTER TABLE "new_SnapshotTransition" RENAME TO "SnapshotTransition";
CREATE INDEX "SnapshotTransition_snapshotId_position_idx" ON "SnapshotTransition"("snapshotId", "position");
CREATE INDEX "SnapshotTransition_accountId_position_idx" ON "SnapshotTransition"("accountId", "position");
CREATE INDEX "SnapshotTransition_diskId_at_idx" ON "SnapshotTransition"("diskId", "at");
CREATE UNIQUE INDEX "SnapshotTransition_accountId_sequence_key" ON "SnapshotTransition"("accountId", "sequence");
CREATE TABLE "new_TransitionLog" (
    "id" TEXT NOT NULL PRIMARY KEY,
    "subject" TEXT NOT NULL DEFAULT 'SNAPSHOT',
    "prunedThrough" INTEGER NOT NULL DEFAULT 0,
    "oldThrough" INTEGER NOT NULL DEFAULT -1
);
-- Cursors that were handed out so far hold a position; they stay good.
INSERT INTO "new_TransitionLog" ("id", "subject", "prunedThrough", "oldThrough")
SELECT "id", "subject", "prunedThrough", CASE "subject"
  WHEN 'DISK' THEN (SELECT coalesce(max("position"), 0) FROM "DiskTransition")
  ELSE (SELECT coalesce(max("position"), 0) FROM "SnapshotTransition") END
FROM "TransitionLog";
-- What is left below are histories with gaps between them. The tag is that of the row with the highest number.
INSERT INTO "PrunedTransitions" ("accountId", "subject", "sequence", "tag", "position")
SELECT "accountId", 'SNAPSHOT', max("sequence"), "tag", "position" FROM "SnapshotTransition"
WHERE "position" <= (SELECT "prunedThrough" FROM "TransitionLog" WHERE "subject" = 'SNAPSHOT') GROUP BY "accountId";
INSERT INTO "PrunedTransitions" ("accountId", "subject", "sequence", "tag", "position")
SELECT "accountId", 'DISK', max("sequence"), "tag", "position" FROM "DiskTransition"
WHERE "position" <= (SELECT "prunedThrough" FROM "TransitionLog" WHERE "subject" = 'DISK') GROUP BY "accountId";
DROP TABLE "TransitionLog";
ALTER TABLE "new_TransitionLog" RENAME TO "TransitionLog";
CREATE UNIQUE INDEX "TransitionLog_subject_key" ON "TransitionLog"("subject");
PRAGMA foreign_keys=ON;
PRAGMA defer_foreign_keys=OFF;
