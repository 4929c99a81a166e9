-- AlterTable
ALTER TABLE "SnapshotTransition" ADD COLUMN "upstreamAt" TIMESTAMPTZ(3);
ALTER TABLE "DiskTransition" ADD COLUMN "upstreamAt" TIMESTAMPTZ(3);

CALL "feed"('SnapshotTransition', '"sequence" || '' '' || "accountId"', '{position}');
CALL "feed"('DiskTransition', '"sequence" || '' '' || "accountId"', '{position}');
