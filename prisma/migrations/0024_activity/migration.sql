-- AlterTable
ALTER TABLE "DiskTransition" ADD COLUMN "actor" TEXT;

-- AlterTable
ALTER TABLE "Job" ADD COLUMN "activityId" TEXT;
ALTER TABLE "Job" ADD COLUMN "actor" TEXT;

-- AlterTable
ALTER TABLE "SnapshotTransition" ADD COLUMN "actor" TEXT;

-- CreateTable
CREATE TABLE "Activity" (
    "id" TEXT NOT NULL PRIMARY KEY,
    "accountId" TEXT NOT NULL,
    "at" DATETIME NOT NULL,
    "action" TEXT NOT NULL,
    "subjectId" TEXT NOT NULL,
    "subjectName" TEXT,
    "diskId" TEXT,
    "snapshotId" TEXT,
    "result" TEXT NOT NULL,
    "reason" TEXT,
    "endedAt" DATETIME,
    "actorKind" TEXT NOT NULL,
    "actorId" TEXT,
    "actorName" TEXT,
    "requestId" TEXT
);

-- CreateIndex
CREATE INDEX "Activity_accountId_at_id_idx" ON "Activity"("accountId", "at", "id");

-- CreateIndex
CREATE INDEX "Activity_accountId_diskId_at_id_idx" ON "Activity"("accountId", "diskId", "at", "id");

-- CreateIndex
CREATE INDEX "Activity_accountId_snapshotId_at_id_idx" ON "Activity"("accountId", "snapshotId", "at", "id");

-- CreateIndex
CREATE INDEX "Activity_accountId_actorId_at_id_idx" ON "Activity"("accountId", "actorId", "at", "id");

-- CreateIndex
CREATE INDEX "Activity_accountId_result_at_id_idx" ON "Activity"("accountId", "result", "at", "id");

-- CreateIndex
CREATE INDEX "Activity_at_idx" ON "Activity"("at");
