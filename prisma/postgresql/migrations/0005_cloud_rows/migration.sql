-- AlterTable
ALTER TABLE "Connection" ADD COLUMN "syncedAt" TIMESTAMPTZ(3);
ALTER TABLE "Connection" ADD COLUMN "refreshAt" TIMESTAMPTZ(3);
ALTER TABLE "Connection" ADD COLUMN "pollOwner" TEXT COLLATE "C";
ALTER TABLE "Connection" ADD COLUMN "pollUntil" TIMESTAMPTZ(3);

-- AlterTable
ALTER TABLE "Disk" ADD COLUMN "connectionId" TEXT COLLATE "C";
ALTER TABLE "Disk" ADD COLUMN "externalId" TEXT COLLATE "C";
ALTER TABLE "Disk" ADD COLUMN "rawStatus" TEXT COLLATE "C";
ALTER TABLE "Disk" ADD COLUMN "upstreamCreatedAt" TIMESTAMPTZ(3);

-- AlterTable
ALTER TABLE "Snapshot" ADD COLUMN "provider" TEXT COLLATE "C" NOT NULL DEFAULT 'local';
ALTER TABLE "Snapshot" ADD COLUMN "origin" TEXT COLLATE "C" NOT NULL DEFAULT 'GATEWAY';
ALTER TABLE "Snapshot" ADD COLUMN "connectionId" TEXT COLLATE "C";
ALTER TABLE "Snapshot" ADD COLUMN "externalId" TEXT COLLATE "C";
ALTER TABLE "Snapshot" ADD COLUMN "upstreamDiskId" TEXT COLLATE "C";
ALTER TABLE "Snapshot" ADD COLUMN "rawStatus" TEXT COLLATE "C";
ALTER TABLE "Snapshot" ADD COLUMN "upstreamCreatedAt" TIMESTAMPTZ(3);
ALTER TABLE "Snapshot" ADD COLUMN "upstreamExpiresAt" TIMESTAMPTZ(3);
ALTER TABLE "Snapshot" ADD COLUMN "seenAt" TIMESTAMPTZ(3);

-- AlterTable
ALTER TABLE "Job" ADD COLUMN "connectionId" TEXT COLLATE "C";
ALTER TABLE "Job" ADD COLUMN "sentAt" TIMESTAMPTZ(3);

-- CreateIndex
CREATE UNIQUE INDEX "Disk_connectionId_externalId_key" ON "Disk"("connectionId", "externalId");

-- CreateIndex
CREATE UNIQUE INDEX "Snapshot_connectionId_externalId_key" ON "Snapshot"("connectionId", "externalId");

-- CreateIndex
CREATE INDEX "Job_connectionId_idx" ON "Job"("connectionId");

-- What replicas are fed with: 0004_connections explains it.
CALL "feed"('Connection', '"id"', '{sealed,sealKey,reference,pollOwner,pollUntil}');
CALL "feed"('Disk', '"id"', '{}');
CALL "feed"('Snapshot', '"id"', '{}');
CALL "feed"('Job', '"id"::TEXT', '{leaseOwner,leaseUntil}');
