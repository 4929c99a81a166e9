-- CreateTable
CREATE TABLE "Account" (
    "id" TEXT COLLATE "C" NOT NULL,
    "name" TEXT COLLATE "C" NOT NULL,
    "createdAt" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "Account_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "ApiToken" (
    "id" TEXT COLLATE "C" NOT NULL,
    "accountId" TEXT COLLATE "C" NOT NULL,
    "name" TEXT COLLATE "C" NOT NULL,
    "role" TEXT COLLATE "C" NOT NULL,
    "hash" TEXT COLLATE "C" NOT NULL,
    "createdAt" TIMESTAMPTZ(3) NOT NULL,
    "expiresAt" TIMESTAMPTZ(3),
    "lastUsedAt" TIMESTAMPTZ(3),
    "revokedAt" TIMESTAMPTZ(3),

    CONSTRAINT "ApiToken_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "Disk" (
    "id" TEXT COLLATE "C" NOT NULL,
    "accountId" TEXT COLLATE "C" NOT NULL,
    "provider" TEXT COLLATE "C" NOT NULL,
    "location" TEXT COLLATE "C" NOT NULL,
    "identity" TEXT COLLATE "C",
    "name" TEXT COLLATE "C" NOT NULL,
    "description" TEXT COLLATE "C" NOT NULL DEFAULT '',
    "kind" TEXT COLLATE "C" NOT NULL,
    "status" TEXT COLLATE "C" NOT NULL,
    "statusReason" TEXT COLLATE "C",
    "sizeBytes" BIGINT NOT NULL,
    "storageType" TEXT COLLATE "C" NOT NULL,
    "zone" TEXT COLLATE "C" NOT NULL,
    "instanceId" TEXT COLLATE "C",
    "device" TEXT COLLATE "C",
    "provisioned" BOOLEAN NOT NULL DEFAULT true,
    "createdAt" TIMESTAMPTZ(3) NOT NULL,
    "policyId" TEXT COLLATE "C",

    CONSTRAINT "Disk_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "DiskTag" (
    "diskId" TEXT COLLATE "C" NOT NULL,
    "key" TEXT COLLATE "C" NOT NULL,
    "value" TEXT COLLATE "C" NOT NULL,

    CONSTRAINT "DiskTag_pkey" PRIMARY KEY ("diskId","key")
);

-- CreateTable
CREATE TABLE "Snapshot" (
    "id" TEXT COLLATE "C" NOT NULL,
    "accountId" TEXT COLLATE "C" NOT NULL,
    "diskId" TEXT COLLATE "C",
    "diskKind" TEXT COLLATE "C" NOT NULL,
    "name" TEXT COLLATE "C" NOT NULL,
    "description" TEXT COLLATE "C" NOT NULL DEFAULT '',
    "type" TEXT COLLATE "C" NOT NULL,
    "status" TEXT COLLATE "C" NOT NULL,
    "sizeBytes" BIGINT NOT NULL,
    "dataBytes" BIGINT,
    "consistency" TEXT COLLATE "C",
    "checksum" TEXT COLLATE "C",
    "failureReason" TEXT COLLATE "C",
    "retentionDays" INTEGER,
    "expiresAt" TIMESTAMPTZ(3),
    "createdAt" TIMESTAMPTZ(3) NOT NULL,
    "dataAt" TIMESTAMPTZ(3),
    "completedAt" TIMESTAMPTZ(3),
    "verifiedAt" TIMESTAMPTZ(3),
    "evicted" BOOLEAN NOT NULL DEFAULT false,

    CONSTRAINT "Snapshot_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "SnapshotTag" (
    "snapshotId" TEXT COLLATE "C" NOT NULL,
    "key" TEXT COLLATE "C" NOT NULL,
    "value" TEXT COLLATE "C" NOT NULL,

    CONSTRAINT "SnapshotTag_pkey" PRIMARY KEY ("snapshotId","key")
);

-- CreateTable
CREATE TABLE "SnapshotTransition" (
    "position" INTEGER NOT NULL GENERATED ALWAYS AS ("sequence") STORED,
    "accountId" TEXT COLLATE "C" NOT NULL,
    "sequence" INTEGER NOT NULL,
    "tag" TEXT COLLATE "C" NOT NULL,
    "traceparent" TEXT COLLATE "C",
    "snapshotId" TEXT COLLATE "C" NOT NULL,
    "snapshotName" TEXT COLLATE "C",
    "diskId" TEXT COLLATE "C" NOT NULL,
    "from" TEXT COLLATE "C",
    "to" TEXT COLLATE "C" NOT NULL,
    "reason" TEXT COLLATE "C",
    "at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "SnapshotTransition_pkey" PRIMARY KEY ("accountId","sequence")
);

-- CreateTable
CREATE TABLE "DiskTransition" (
    "position" INTEGER NOT NULL GENERATED ALWAYS AS ("sequence") STORED,
    "accountId" TEXT COLLATE "C" NOT NULL,
    "sequence" INTEGER NOT NULL,
    "tag" TEXT COLLATE "C" NOT NULL,
    "traceparent" TEXT COLLATE "C",
    "diskId" TEXT COLLATE "C" NOT NULL,
    "from" TEXT COLLATE "C",
    "to" TEXT COLLATE "C" NOT NULL,
    "reason" TEXT COLLATE "C",
    "at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "DiskTransition_pkey" PRIMARY KEY ("accountId","sequence")
);

-- CreateTable
CREATE TABLE "TransitionLog" (
    "id" TEXT COLLATE "C" NOT NULL,
    "subject" TEXT COLLATE "C" NOT NULL DEFAULT 'SNAPSHOT',
    "prunedThrough" INTEGER NOT NULL DEFAULT 0,
    "oldThrough" INTEGER NOT NULL DEFAULT -1,

    CONSTRAINT "TransitionLog_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "PrunedTransitions" (
    "accountId" TEXT COLLATE "C" NOT NULL,
    "subject" TEXT COLLATE "C" NOT NULL,
    "sequence" INTEGER NOT NULL,
    "tag" TEXT COLLATE "C" NOT NULL,
    "position" INTEGER NOT NULL,

    CONSTRAINT "PrunedTransitions_pkey" PRIMARY KEY ("accountId","subject")
);

-- CreateTable
CREATE TABLE "Job" (
    "id" SERIAL NOT NULL,
    "accountId" TEXT COLLATE "C" NOT NULL,
    "kind" TEXT COLLATE "C" NOT NULL,
    "snapshotId" TEXT COLLATE "C",
    "diskId" TEXT COLLATE "C",
    "instanceId" TEXT COLLATE "C",
    "device" TEXT COLLATE "C",
    "sizeBytes" BIGINT,
    "reason" TEXT COLLATE "C",
    "createdAt" TIMESTAMPTZ(3) NOT NULL,
    "traceparent" TEXT COLLATE "C",
    "progress" INTEGER,
    "leaseOwner" TEXT COLLATE "C",
    "leaseUntil" TIMESTAMPTZ(3),
    "attempts" INTEGER NOT NULL DEFAULT 0,
    "retryAt" TIMESTAMPTZ(3),
    "stalledSince" TIMESTAMPTZ(3),
    "stallReason" TEXT COLLATE "C",
    "cancelRequestedAt" TIMESTAMPTZ(3),
    "committedAt" TIMESTAMPTZ(3),

    CONSTRAINT "Job_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "ClockTrust" (
    "id" TEXT COLLATE "C" NOT NULL,
    "trustedAt" TIMESTAMPTZ(3) NOT NULL,
    "seenAt" TIMESTAMPTZ(3) NOT NULL,
    "steadyMs" INTEGER,

    CONSTRAINT "ClockTrust_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "IdempotencyKey" (
    "accountId" TEXT COLLATE "C" NOT NULL,
    "clientToken" TEXT COLLATE "C" NOT NULL,
    "inputHash" TEXT COLLATE "C" NOT NULL,
    "resourceId" TEXT COLLATE "C" NOT NULL,
    "createdAt" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "IdempotencyKey_pkey" PRIMARY KEY ("accountId","clientToken")
);

-- CreateTable
CREATE TABLE "AutoSnapshotPolicy" (
    "id" TEXT COLLATE "C" NOT NULL,
    "accountId" TEXT COLLATE "C" NOT NULL,
    "name" TEXT COLLATE "C" NOT NULL,
    "timePoints" TEXT COLLATE "C" NOT NULL,
    "repeatWeekdays" TEXT COLLATE "C" NOT NULL,
    "retentionDays" INTEGER NOT NULL,
    "timeZone" TEXT COLLATE "C" NOT NULL,
    "createdAt" TIMESTAMPTZ(3) NOT NULL,
    "updatedAt" TIMESTAMPTZ(3) NOT NULL,
    "decidedThrough" TIMESTAMPTZ(3) NOT NULL,
    "dueAt" TIMESTAMPTZ(3) NOT NULL,
    "appointing" TEXT COLLATE "C",
    "deletedAt" TIMESTAMPTZ(3),

    CONSTRAINT "AutoSnapshotPolicy_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "AutoSnapshotRun" (
    "id" TEXT COLLATE "C" NOT NULL,
    "accountId" TEXT COLLATE "C" NOT NULL,
    "policyId" TEXT COLLATE "C" NOT NULL,
    "slot" TEXT COLLATE "C" NOT NULL,
    "scheduledFor" TIMESTAMPTZ(3) NOT NULL,
    "decidedAt" TIMESTAMPTZ(3) NOT NULL,
    "outcome" TEXT COLLATE "C" NOT NULL,
    "retentionDays" INTEGER,

    CONSTRAINT "AutoSnapshotRun_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "AutoSnapshotRunDisk" (
    "id" TEXT COLLATE "C" NOT NULL,
    "runId" TEXT COLLATE "C" NOT NULL,
    "diskId" TEXT COLLATE "C" NOT NULL,
    "accountId" TEXT COLLATE "C" NOT NULL,
    "outcome" TEXT COLLATE "C" NOT NULL,
    "refusalCode" TEXT COLLATE "C",
    "refusalMessage" TEXT COLLATE "C",
    "snapshotId" TEXT COLLATE "C",

    CONSTRAINT "AutoSnapshotRunDisk_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE UNIQUE INDEX "Account_name_key" ON "Account"("name");

-- CreateIndex
CREATE UNIQUE INDEX "ApiToken_hash_key" ON "ApiToken"("hash");

-- CreateIndex
CREATE INDEX "ApiToken_accountId_createdAt_id_idx" ON "ApiToken"("accountId", "createdAt", "id");

-- CreateIndex
CREATE INDEX "Disk_provider_identity_idx" ON "Disk"("provider", "identity");

-- CreateIndex
CREATE INDEX "Disk_accountId_createdAt_id_idx" ON "Disk"("accountId", "createdAt", "id");

-- CreateIndex
CREATE INDEX "Disk_policyId_id_idx" ON "Disk"("policyId", "id");

-- CreateIndex
CREATE UNIQUE INDEX "Disk_provider_location_key" ON "Disk"("provider", "location");

-- CreateIndex
CREATE INDEX "Snapshot_accountId_createdAt_id_idx" ON "Snapshot"("accountId", "createdAt", "id");

-- CreateIndex
CREATE INDEX "Snapshot_diskId_type_status_idx" ON "Snapshot"("diskId", "type", "status");

-- CreateIndex
CREATE INDEX "Snapshot_expiresAt_id_idx" ON "Snapshot"("expiresAt", "id");

-- CreateIndex
CREATE INDEX "SnapshotTransition_snapshotId_position_idx" ON "SnapshotTransition"("snapshotId", "position");

-- CreateIndex
CREATE INDEX "DiskTransition_diskId_position_idx" ON "DiskTransition"("diskId", "position");

-- CreateIndex
CREATE UNIQUE INDEX "TransitionLog_subject_key" ON "TransitionLog"("subject");

-- CreateIndex
CREATE INDEX "Job_snapshotId_idx" ON "Job"("snapshotId");

-- CreateIndex
CREATE INDEX "Job_diskId_idx" ON "Job"("diskId");

-- CreateIndex
CREATE INDEX "IdempotencyKey_createdAt_idx" ON "IdempotencyKey"("createdAt");

-- CreateIndex
CREATE INDEX "AutoSnapshotPolicy_accountId_createdAt_id_idx" ON "AutoSnapshotPolicy"("accountId", "createdAt", "id");

-- CreateIndex
CREATE INDEX "AutoSnapshotPolicy_dueAt_idx" ON "AutoSnapshotPolicy"("dueAt");

-- CreateIndex
CREATE INDEX "AutoSnapshotRun_policyId_scheduledFor_id_idx" ON "AutoSnapshotRun"("policyId", "scheduledFor", "id");

-- CreateIndex
CREATE INDEX "AutoSnapshotRun_scheduledFor_idx" ON "AutoSnapshotRun"("scheduledFor");

-- CreateIndex
CREATE UNIQUE INDEX "AutoSnapshotRun_policyId_slot_key" ON "AutoSnapshotRun"("policyId", "slot");

-- CreateIndex
CREATE INDEX "AutoSnapshotRunDisk_outcome_id_idx" ON "AutoSnapshotRunDisk"("outcome", "id");

-- CreateIndex
CREATE INDEX "AutoSnapshotRunDisk_runId_outcome_idx" ON "AutoSnapshotRunDisk"("runId", "outcome");

-- CreateIndex
CREATE UNIQUE INDEX "AutoSnapshotRunDisk_runId_diskId_key" ON "AutoSnapshotRunDisk"("runId", "diskId");

-- AddForeignKey
ALTER TABLE "ApiToken" ADD CONSTRAINT "ApiToken_accountId_fkey" FOREIGN KEY ("accountId") REFERENCES "Account"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "Disk" ADD CONSTRAINT "Disk_accountId_fkey" FOREIGN KEY ("accountId") REFERENCES "Account"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "Disk" ADD CONSTRAINT "Disk_policyId_fkey" FOREIGN KEY ("policyId") REFERENCES "AutoSnapshotPolicy"("id") ON DELETE SET NULL ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "DiskTag" ADD CONSTRAINT "DiskTag_diskId_fkey" FOREIGN KEY ("diskId") REFERENCES "Disk"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "Snapshot" ADD CONSTRAINT "Snapshot_accountId_fkey" FOREIGN KEY ("accountId") REFERENCES "Account"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "Snapshot" ADD CONSTRAINT "Snapshot_diskId_fkey" FOREIGN KEY ("diskId") REFERENCES "Disk"("id") ON DELETE SET NULL ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "SnapshotTag" ADD CONSTRAINT "SnapshotTag_snapshotId_fkey" FOREIGN KEY ("snapshotId") REFERENCES "Snapshot"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "AutoSnapshotPolicy" ADD CONSTRAINT "AutoSnapshotPolicy_accountId_fkey" FOREIGN KEY ("accountId") REFERENCES "Account"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "AutoSnapshotRun" ADD CONSTRAINT "AutoSnapshotRun_policyId_fkey" FOREIGN KEY ("policyId") REFERENCES "AutoSnapshotPolicy"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "AutoSnapshotRunDisk" ADD CONSTRAINT "AutoSnapshotRunDisk_runId_fkey" FOREIGN KEY ("runId") REFERENCES "AutoSnapshotRun"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- Not in Prisma's schema, or not so: see scripts/postgresql-schema.ts.

-- The numbers of the last transitions of an account. Who appends takes them from here as the last thing before the commit.
CREATE TABLE "TransitionHead" (
    "accountId" TEXT COLLATE "C" NOT NULL,
    "snapshots" INTEGER NOT NULL DEFAULT 0,
    "disks" INTEGER NOT NULL DEFAULT 0,

    CONSTRAINT "TransitionHead_pkey" PRIMARY KEY ("accountId")
);

-- On SQLite this is a table, kept by triggers. Here a disk has few enough to count.
CREATE VIEW "SnapshotCount" AS
SELECT "accountId", "diskId", "type", "status", "evicted", count(*)::integer AS "count" FROM "Snapshot"
WHERE "diskId" IS NOT NULL GROUP BY "accountId", "diskId", "type", "status", "evicted";

-- Jobs are few and short-lived; their numbers may begin anew.
ALTER SEQUENCE "Job_id_seq" CYCLE;
