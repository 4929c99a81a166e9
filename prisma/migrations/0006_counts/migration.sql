-- CreateTable
CREATE TABLE "SnapshotCount" (
    "accountId" TEXT NOT NULL,
    "diskId" TEXT NOT NULL,
    "type" TEXT NOT NULL,
    "status" TEXT NOT NULL,
    "evicted" BOOLEAN NOT NULL,
    "count" INTEGER NOT NULL,

    PRIMARY KEY ("accountId", "diskId", "type", "status", "evicted")
);

-- CreateIndex
CREATE INDEX "Snapshot_accountId_type_createdAt_id_idx" ON "Snapshot"("accountId", "type", "createdAt", "id");

-- CreateIndex
CREATE INDEX "Snapshot_accountId_name_createdAt_id_idx" ON "Snapshot"("accountId", "name", "createdAt", "id");

-- What there is already
INSERT INTO "SnapshotCount" SELECT "accountId", '', "type", "status", "evicted", count(*) FROM "Snapshot" GROUP BY 1, 3, 4, 5;
INSERT INTO "SnapshotCount" SELECT "accountId", "diskId", "type", "status", "evicted", count(*) FROM "Snapshot"
  WHERE "diskId" IS NOT NULL GROUP BY 1, 2, 3, 4, 5;

-- From now on, in the transaction that changes it
CREATE TRIGGER "SnapshotCount_on_insert" AFTER INSERT ON "Snapshot" BEGIN
  INSERT INTO "SnapshotCount" VALUES (NEW."accountId", '', NEW."type", NEW."status", NEW."evicted", 1)
    ON CONFLICT DO UPDATE SET "count" = "count" + 1;
  INSERT INTO "SnapshotCount" SELECT NEW."accountId", NEW."diskId", NEW."type", NEW."status", NEW."evicted", 1
    WHERE NEW."diskId" IS NOT NULL
    ON CONFLICT DO UPDATE SET "count" = "count" + 1;
END;

CREATE TRIGGER "SnapshotCount_on_delete" AFTER DELETE ON "Snapshot" BEGIN
  UPDATE "SnapshotCount" SET "count" = "count" - 1 WHERE "accountId" = OLD."accountId" AND "diskId" IN ('', OLD."diskId")
    AND "type" = OLD."type" AND "status" = OLD."status" AND "evicted" = OLD."evicted";
  DELETE FROM "SnapshotCount" WHERE "accountId" = OLD."accountId" AND "diskId" IN ('', OLD."diskId")
    AND "type" = OLD."type" AND "status" = OLD."status" AND "evicted" = OLD."evicted" AND "count" = 0;
END;

CREATE TRIGGER "SnapshotCount_on_update" AFTER UPDATE OF "accountId", "diskId", "type", "status", "evicted" ON "Snapshot"
  WHEN OLD."accountId" IS NOT NEW."accountId" OR OLD."diskId" IS NOT NEW."diskId"
    OR OLD."type" IS NOT NEW."type" OR OLD."status" IS NOT NEW."status" OR OLD."evicted" IS NOT NEW."evicted"
BEGIN
  UPDATE "SnapshotCount" SET "count" = "count" - 1 WHERE "accountId" = OLD."accountId" AND "diskId" IN ('', OLD."diskId")
    AND "type" = OLD."type" AND "status" = OLD."status" AND "evicted" = OLD."evicted";
  DELETE FROM "SnapshotCount" WHERE "accountId" = OLD."accountId" AND "diskId" IN ('', OLD."diskId")
    AND "type" = OLD."type" AND "status" = OLD."status" AND "evicted" = OLD."evicted" AND "count" = 0;
  INSERT INTO "SnapshotCount" VALUES (NEW."accountId", '', NEW."type", NEW."status", NEW."evicted", 1)
    ON CONFLICT DO UPDATE SET "count" = "count" + 1;
  INSERT INTO "SnapshotCount" SELECT NEW."accountId", NEW."diskId", NEW."type", NEW."status", NEW."evicted", 1
    WHERE NEW."diskId" IS NOT NULL
    ON CONFLICT DO UPDATE SET "count" = "count" + 1;
END;
