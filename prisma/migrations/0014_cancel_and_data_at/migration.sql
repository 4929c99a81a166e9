-- AlterTable
ALTER TABLE "Job" ADD COLUMN "cancelRequestedAt" DATETIME;

-- AlterTable
ALTER TABLE "Snapshot" ADD COLUMN "dataAt" DATETIME;
