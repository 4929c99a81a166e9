-- AlterTable
ALTER TABLE "SnapshotTransition" ADD COLUMN "snapshotTags" TEXT;
ALTER TABLE "SnapshotTransition" ADD COLUMN "snapshotType" TEXT;

-- The type of a snapshot that still exists is known. Its tags may have been others at the time; these are the best there is.
UPDATE "SnapshotTransition" SET
  "snapshotType" = (SELECT "type" FROM "Snapshot" WHERE "id" = "snapshotId"),
  "snapshotTags" = (
    SELECT CASE WHEN count(*) > 0 THEN json_group_array(json_array("key", "value") ORDER BY "key") END
    FROM "SnapshotTag" t WHERE t."snapshotId" = "SnapshotTransition"."snapshotId"
  );
