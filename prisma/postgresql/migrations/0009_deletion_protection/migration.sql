-- AlterTable
ALTER TABLE "Snapshot" ADD COLUMN "deletionProtection" BOOLEAN NOT NULL DEFAULT false;

CALL "feed"('Snapshot', '"id"', '{}');
