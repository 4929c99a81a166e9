-- AlterTable
ALTER TABLE "SnapshotTransition" ADD COLUMN "snapshotType" TEXT COLLATE "C";
ALTER TABLE "SnapshotTransition" ADD COLUMN "snapshotTags" TEXT COLLATE "C";

-- The type of a snapshot that still exists is known. Its tags may have been others at the time; these are the best there is.
UPDATE "SnapshotTransition" l SET
  "snapshotType" = s."type",
  "snapshotTags" = (
    SELECT json_agg(json_build_array(t."key", t."value") ORDER BY t."key")::TEXT
    FROM "SnapshotTag" t WHERE t."snapshotId" = s."id"
  )
FROM "Snapshot" s WHERE s."id" = l."snapshotId";
