-- AlterTable
ALTER TABLE "Connection" ADD COLUMN "quotas" TEXT;
