-- AlterTable
ALTER TABLE "Connection" ADD COLUMN "policies" TEXT COLLATE "C";

-- AlterTable
ALTER TABLE "Disk" ADD COLUMN "upstreamPolicyIds" TEXT COLLATE "C";

CALL "feed"('Connection', '"id"', '{sealed,sealKey,reference,pollOwner,pollUntil}');
CALL "feed"('Disk', '"id"', '{}');
