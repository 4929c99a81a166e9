-- AlterTable
ALTER TABLE "Connection" ADD COLUMN "syncedAt" DATETIME;
ALTER TABLE "Connection" ADD COLUMN "refreshAt" DATETIME;
ALTER TABLE "Connection" ADD COLUMN "pollOwner" TEXT;
ALTER TABLE "Connection" ADD COLUMN "pollUntil" DATETIME;

-- AlterTable
ALTER TABLE "Disk" ADD COLUMN "connectionId" TEXT;
ALTER TABLE "Disk" ADD COLUMN "externalId" TEXT;
ALTER TABLE "Disk" ADD COLUMN "rawStatus" TEXT;
ALTER TABLE "Disk" ADD COLUMN "upstreamCreatedAt" DATETIME;

-- AlterTable
ALTER TABLE "Snapshot" ADD COLUMN "provider" TEXT NOT NULL DEFAULT 'local';
ALTER TABLE "Snapshot" ADD COLUMN "origin" TEXT NOT NULL DEFAULT 'GATEWAY';
ALTER TABLE "Snapshot" ADD COLUMN "connectionId" TEXT;
ALTER TABLE "Snapshot" ADD COLUMN "externalId" TEXT;
ALTER TABLE "Snapshot" ADD COLUMN "upstreamDiskId" TEXT;
ALTER TABLE "Snapshot" ADD COLUMN "rawStatus" TEXT;
ALTER TABLE "Snapshot" ADD COLUMN "upstreamCreatedAt" DATETIME;
ALTER TABLE "Snapshot" ADD COLUMN "upstreamExpiresAt" DATETIME;
ALTER TABLE "Snapshot" ADD COLUMN "seenAt" DATETIME;

-- AlterTable
ALTER TABLE "Job" ADD COLUMN "connectionId" TEXT;
ALTER TABLE "Job" ADD COLUMN "sentAt" DATETIME;

-- CreateIndex
CREATE UNIQUE INDEX "Disk_connectionId_externalId_key" ON "Disk"("connectionId", "externalId");

-- CreateIndex
CREATE UNIQUE INDEX "Snapshot_connectionId_externalId_key" ON "Snapshot"("connectionId", "externalId");

-- CreateIndex
CREATE INDEX "Job_connectionId_idx" ON "Job"("connectionId");
