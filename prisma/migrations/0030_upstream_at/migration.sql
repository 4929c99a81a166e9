-- AlterTable
ALTER TABLE "DiskTransition" ADD COLUMN "upstreamAt" DATETIME;

-- AlterTable
ALTER TABLE "SnapshotTransition" ADD COLUMN "upstreamAt" DATETIME;
