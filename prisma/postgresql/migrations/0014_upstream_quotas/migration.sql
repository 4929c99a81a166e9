-- AlterTable
ALTER TABLE "Connection" ADD COLUMN "quotas" TEXT COLLATE "C";

CALL "feed"('Connection', '"id"', '{sealed,sealKey,reference,pollOwner,pollUntil}');
