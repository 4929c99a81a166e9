-- AlterTable
ALTER TABLE "SnapshotTransition" ADD COLUMN "actor" TEXT COLLATE "C";
ALTER TABLE "DiskTransition" ADD COLUMN "actor" TEXT COLLATE "C";
ALTER TABLE "Job" ADD COLUMN "actor" TEXT COLLATE "C";
ALTER TABLE "Job" ADD COLUMN "activityId" TEXT COLLATE "C";

-- CreateTable
CREATE TABLE "Activity" (
    "id" TEXT COLLATE "C" NOT NULL,
    "accountId" TEXT COLLATE "C" NOT NULL,
    "at" TIMESTAMPTZ(3) NOT NULL,
    "action" TEXT COLLATE "C" NOT NULL,
    "subjectId" TEXT COLLATE "C" NOT NULL,
    "subjectName" TEXT COLLATE "C",
    "diskId" TEXT COLLATE "C",
    "snapshotId" TEXT COLLATE "C",
    "result" TEXT COLLATE "C" NOT NULL,
    "reason" TEXT COLLATE "C",
    "endedAt" TIMESTAMPTZ(3),
    "actorKind" TEXT COLLATE "C" NOT NULL,
    "actorId" TEXT COLLATE "C",
    "actorName" TEXT COLLATE "C",
    "requestId" TEXT COLLATE "C",

    CONSTRAINT "Activity_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE INDEX "Activity_at_idx" ON "Activity"("at");

CALL "feed"('Activity', '"id"', '{}');
CALL "feed"('Job', '"id"::TEXT', '{leaseOwner,leaseUntil}');
CALL "feed"('SnapshotTransition', '"sequence" || '' '' || "accountId"', '{position}');
CALL "feed"('DiskTransition', '"sequence" || '' '' || "accountId"', '{position}');
