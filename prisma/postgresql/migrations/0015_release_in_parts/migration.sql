-- AlterTable
ALTER TABLE "Job" ADD COLUMN "deletesSnapshots" BOOLEAN NOT NULL DEFAULT false;

CALL "feed"('Job', '"id"::TEXT', '{leaseOwner,leaseUntil}');
