-- AlterTable
ALTER TABLE "Activity" ADD COLUMN "clientAddress" TEXT;
