-- AlterTable
ALTER TABLE "AutoSnapshotRun" ADD COLUMN "retentionDays" INTEGER;

-- CreateTable
CREATE TABLE "ClockTrust" (
    "id" TEXT NOT NULL PRIMARY KEY,
    "trustedAt" DATETIME NOT NULL,
    "seenAt" DATETIME NOT NULL,
    "steadyMs" INTEGER
);

-- The newest time that is known. Without any there is nothing that a wrong clock could delete.
INSERT INTO "ClockTrust" ("id", "trustedAt", "seenAt")
SELECT 'clock', max("at"), max("at") FROM (
    SELECT max("at") AS "at" FROM "SnapshotTransition"
    UNION ALL SELECT max("at") FROM "DiskTransition"
) HAVING max("at") IS NOT NULL;
