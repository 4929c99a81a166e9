-- AlterTable
ALTER TABLE "DiskTransition" ADD COLUMN "traceparent" TEXT;

-- AlterTable
ALTER TABLE "Job" ADD COLUMN "traceparent" TEXT;

-- AlterTable
ALTER TABLE "SnapshotTransition" ADD COLUMN "traceparent" TEXT;
