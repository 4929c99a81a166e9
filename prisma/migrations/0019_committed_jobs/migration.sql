-- AlterTable
ALTER TABLE "Job" ADD COLUMN "committedAt" DATETIME;
