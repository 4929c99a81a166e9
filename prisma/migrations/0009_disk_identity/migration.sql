-- AlterTable
ALTER TABLE "Disk" ADD COLUMN "identity" TEXT;

-- CreateIndex
CREATE INDEX "Disk_provider_identity_idx" ON "Disk"("provider", "identity");

-- Larger ones cannot be written as exact numbers, and made the lists of their account fail. The next look says what is wrong.
UPDATE "Disk" SET "sizeBytes" = 9007199254740991 WHERE "sizeBytes" > 9007199254740991;
UPDATE "Disk" SET "sizeBytes" = 0 WHERE "sizeBytes" < 0;
UPDATE "Snapshot" SET "sizeBytes" = 9007199254740991 WHERE "sizeBytes" > 9007199254740991;
