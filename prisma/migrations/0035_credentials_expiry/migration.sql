-- AlterTable
ALTER TABLE "Connection" ADD COLUMN "credentialsExpireAt" DATETIME;
ALTER TABLE "Connection" ADD COLUMN "credentialsWarnAt" DATETIME;
