-- AlterTable
ALTER TABLE "Activity" ADD COLUMN "clientAddress" TEXT COLLATE "C";

CALL "feed"('Activity', '"id"', '{}');
