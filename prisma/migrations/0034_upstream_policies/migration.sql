-- AlterTable
ALTER TABLE "Connection" ADD COLUMN "policies" TEXT;

-- AlterTable
ALTER TABLE "Disk" ADD COLUMN "upstreamPolicyIds" TEXT;
