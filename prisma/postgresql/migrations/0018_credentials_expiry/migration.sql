-- AlterTable
ALTER TABLE "Connection" ADD COLUMN "credentialsExpireAt" TIMESTAMPTZ(3);
ALTER TABLE "Connection" ADD COLUMN "credentialsWarnAt" TIMESTAMPTZ(3);

CALL "feed"('Connection', '"id"', '{sealed,sealKey,reference,pollOwner,pollUntil}');
