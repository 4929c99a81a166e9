-- AlterTable
ALTER TABLE "Disk" ADD COLUMN "host" TEXT NOT NULL DEFAULT 'local';
ALTER TABLE "Snapshot" ADD COLUMN "host" TEXT NOT NULL DEFAULT 'local';
ALTER TABLE "Job" ADD COLUMN "host" TEXT NOT NULL DEFAULT 'local';

-- DropIndex
DROP INDEX "Disk_provider_identity_idx";

-- DropIndex
DROP INDEX "Disk_provider_location_key";

-- CreateIndex
CREATE INDEX "Disk_provider_host_identity_idx" ON "Disk"("provider", "host", "identity");

-- CreateIndex
CREATE UNIQUE INDEX "Disk_provider_host_location_key" ON "Disk"("provider", "host", "location");
