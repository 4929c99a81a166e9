-- AlterTable
ALTER TABLE "SnapshotTransition" ADD COLUMN "snapshotName" TEXT;

-- CreateIndex
CREATE INDEX "DiskTransition_diskId_at_idx" ON "DiskTransition"("diskId", "at");

-- CreateIndex
CREATE INDEX "SnapshotTransition_diskId_at_idx" ON "SnapshotTransition"("diskId", "at");

-- The names of snapshots that still exist are known.
UPDATE "SnapshotTransition" SET "snapshotName" = (SELECT "name" FROM "Snapshot" WHERE "id" = "snapshotId");
