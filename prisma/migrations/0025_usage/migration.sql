-- AlterTable
ALTER TABLE "SnapshotCount" ADD COLUMN "bytes" BIGINT NOT NULL DEFAULT 0;

-- CreateTable
CREATE TABLE "DailyUsage" (
    "accountId" TEXT NOT NULL,
    "day" TEXT NOT NULL,
    "disks" INTEGER NOT NULL,
    "snapshots" INTEGER NOT NULL,
    "dataBytes" BIGINT NOT NULL,

    PRIMARY KEY ("accountId", "day")
);

-- CreateIndex
CREATE INDEX "DailyUsage_day_idx" ON "DailyUsage"("day");

-- What there is already
UPDATE "SnapshotCount" SET "bytes" = (
  SELECT coalesce(sum(s."dataBytes"), 0) FROM "Snapshot" s WHERE s."accountId" = "SnapshotCount"."accountId"
    AND ("SnapshotCount"."diskId" = '' OR s."diskId" = "SnapshotCount"."diskId") AND s."type" = "SnapshotCount"."type"
    AND s."status" = "SnapshotCount"."status" AND s."evicted" = "SnapshotCount"."evicted");

-- From now on, in the transaction that changes it
DROP TRIGGER "SnapshotCount_on_insert";
DROP TRIGGER "SnapshotCount_on_delete";
DROP TRIGGER "SnapshotCount_on_update";

CREATE TRIGGER "SnapshotCount_on_insert" AFTER INSERT ON "Snapshot" BEGIN
  INSERT INTO "SnapshotCount" VALUES (NEW."accountId", '', NEW."type", NEW."status", NEW."evicted", 1, coalesce(NEW."dataBytes", 0))
    ON CONFLICT DO UPDATE SET "count" = "count" + 1, "bytes" = "bytes" + excluded."bytes";
  INSERT INTO "SnapshotCount"
    SELECT NEW."accountId", NEW."diskId", NEW."type", NEW."status", NEW."evicted", 1, coalesce(NEW."dataBytes", 0)
    WHERE NEW."diskId" IS NOT NULL
    ON CONFLICT DO UPDATE SET "count" = "count" + 1, "bytes" = "bytes" + excluded."bytes";
END;

CREATE TRIGGER "SnapshotCount_on_delete" AFTER DELETE ON "Snapshot" BEGIN
  UPDATE "SnapshotCount" SET "count" = "count" - 1, "bytes" = "bytes" - coalesce(OLD."dataBytes", 0)
    WHERE "accountId" = OLD."accountId" AND "diskId" IN ('', OLD."diskId")
    AND "type" = OLD."type" AND "status" = OLD."status" AND "evicted" = OLD."evicted";
  DELETE FROM "SnapshotCount" WHERE "accountId" = OLD."accountId" AND "diskId" IN ('', OLD."diskId")
    AND "type" = OLD."type" AND "status" = OLD."status" AND "evicted" = OLD."evicted" AND "count" = 0;
END;

CREATE TRIGGER "SnapshotCount_on_update" AFTER UPDATE OF "accountId", "diskId", "type", "status", "evicted", "dataBytes" ON "Snapshot"
  WHEN OLD."accountId" IS NOT NEW."accountId" OR OLD."diskId" IS NOT NEW."diskId"
    OR OLD."type" IS NOT NEW."type" OR OLD."status" IS NOT NEW."status" OR OLD."evicted" IS NOT NEW."evicted"
    OR OLD."dataBytes" IS NOT NEW."dataBytes"
BEGIN
  UPDATE "SnapshotCount" SET "count" = "count" - 1, "bytes" = "bytes" - coalesce(OLD."dataBytes", 0)
    WHERE "accountId" = OLD."accountId" AND "diskId" IN ('', OLD."diskId")
    AND "type" = OLD."type" AND "status" = OLD."status" AND "evicted" = OLD."evicted";
  DELETE FROM "SnapshotCount" WHERE "accountId" = OLD."accountId" AND "diskId" IN ('', OLD."diskId")
    AND "type" = OLD."type" AND "status" = OLD."status" AND "evicted" = OLD."evicted" AND "count" = 0;
  INSERT INTO "SnapshotCount" VALUES (NEW."accountId", '', NEW."type", NEW."status", NEW."evicted", 1, coalesce(NEW."dataBytes", 0))
    ON CONFLICT DO UPDATE SET "count" = "count" + 1, "bytes" = "bytes" + excluded."bytes";
  INSERT INTO "SnapshotCount"
    SELECT NEW."accountId", NEW."diskId", NEW."type", NEW."status", NEW."evicted", 1, coalesce(NEW."dataBytes", 0)
    WHERE NEW."diskId" IS NOT NULL
    ON CONFLICT DO UPDATE SET "count" = "count" + 1, "bytes" = "bytes" + excluded."bytes";
END;
