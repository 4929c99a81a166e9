-- On SQLite this is a table, kept by triggers. Here a disk has few enough to count.
CREATE OR REPLACE VIEW "SnapshotCount" AS
SELECT "accountId", "diskId", "type", "status", "evicted", count(*)::integer AS "count",
  coalesce(sum("dataBytes"), 0)::bigint AS "bytes" FROM "Snapshot"
WHERE "diskId" IS NOT NULL GROUP BY "accountId", "diskId", "type", "status", "evicted";

-- CreateTable
CREATE TABLE "DailyUsage" (
    "accountId" TEXT COLLATE "C" NOT NULL,
    "day" TEXT COLLATE "C" NOT NULL,
    "disks" INTEGER NOT NULL,
    "snapshots" INTEGER NOT NULL,
    "dataBytes" BIGINT NOT NULL,

    CONSTRAINT "DailyUsage_pkey" PRIMARY KEY ("accountId", "day")
);

-- CreateIndex
CREATE INDEX "DailyUsage_day_idx" ON "DailyUsage"("day");

CALL "feed"('DailyUsage', '"accountId"', '{}');
