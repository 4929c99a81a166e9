-- AlterTable
ALTER TABLE "AutoSnapshotPolicy" ADD COLUMN "appointing" TEXT;
ALTER TABLE "AutoSnapshotPolicy" ADD COLUMN "deletedAt" DATETIME;

-- CreateIndex
CREATE INDEX "AutoSnapshotRunDisk_runId_outcome_idx" ON "AutoSnapshotRunDisk"("runId", "outcome");

-- CreateIndex
CREATE INDEX "Disk_policyId_id_idx" ON "Disk"("policyId", "id");
