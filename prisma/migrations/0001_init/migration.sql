-- CreateTable
CREATE TABLE "Account" (
    "id" TEXT NOT NULL PRIMARY KEY,
    "name" TEXT NOT NULL,
    "createdAt" DATETIME NOT NULL
);

-- CreateTable
CREATE TABLE "Disk" (
    "id" TEXT NOT NULL PRIMARY KEY,
    "accountId" TEXT NOT NULL,
    "provider" TEXT NOT NULL,
    "location" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "description" TEXT NOT NULL DEFAULT '',
    "kind" TEXT NOT NULL,
    "status" TEXT NOT NULL,
    "statusReason" TEXT,
    "sizeBytes" BIGINT NOT NULL,
    "storageType" TEXT NOT NULL,
    "zone" TEXT NOT NULL,
    "instanceId" TEXT,
    "device" TEXT,
    "createdAt" DATETIME NOT NULL,
    CONSTRAINT "Disk_accountId_fkey" FOREIGN KEY ("accountId") REFERENCES "Account" ("id") ON DELETE RESTRICT ON UPDATE CASCADE
);

-- CreateTable
CREATE TABLE "Snapshot" (
    "id" TEXT NOT NULL PRIMARY KEY,
    "accountId" TEXT NOT NULL,
    "diskId" TEXT,
    "diskKind" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "description" TEXT NOT NULL DEFAULT '',
    "type" TEXT NOT NULL,
    "status" TEXT NOT NULL,
    "sizeBytes" BIGINT NOT NULL,
    "dataBytes" BIGINT,
    "progress" INTEGER,
    "consistency" TEXT,
    "checksum" TEXT,
    "failureReason" TEXT,
    "retentionDays" INTEGER,
    "expiresAt" DATETIME,
    "createdAt" DATETIME NOT NULL,
    "completedAt" DATETIME,
    "leaseOwner" TEXT,
    "leaseUntil" DATETIME,
    "attempts" INTEGER NOT NULL DEFAULT 0,
    "retryAt" DATETIME,
    "stalledSince" DATETIME,
    "stallReason" TEXT,
    CONSTRAINT "Snapshot_accountId_fkey" FOREIGN KEY ("accountId") REFERENCES "Account" ("id") ON DELETE RESTRICT ON UPDATE CASCADE,
    CONSTRAINT "Snapshot_diskId_fkey" FOREIGN KEY ("diskId") REFERENCES "Disk" ("id") ON DELETE SET NULL ON UPDATE CASCADE
);

-- CreateTable
CREATE TABLE "SnapshotTag" (
    "snapshotId" TEXT NOT NULL,
    "key" TEXT NOT NULL,
    "value" TEXT NOT NULL,

    PRIMARY KEY ("snapshotId", "key"),
    CONSTRAINT "SnapshotTag_snapshotId_fkey" FOREIGN KEY ("snapshotId") REFERENCES "Snapshot" ("id") ON DELETE CASCADE ON UPDATE CASCADE
);

-- CreateTable
CREATE TABLE "SnapshotTransition" (
    "sequence" INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    "accountId" TEXT NOT NULL,
    "snapshotId" TEXT NOT NULL,
    "diskId" TEXT NOT NULL,
    "from" TEXT,
    "to" TEXT NOT NULL,
    "reason" TEXT,
    "at" DATETIME NOT NULL
);

-- CreateTable
CREATE TABLE "TransitionLog" (
    "id" TEXT NOT NULL PRIMARY KEY,
    "prunedThrough" INTEGER NOT NULL DEFAULT 0
);

-- CreateTable
CREATE TABLE "IdempotencyKey" (
    "accountId" TEXT NOT NULL,
    "clientToken" TEXT NOT NULL,
    "inputHash" TEXT NOT NULL,
    "snapshotId" TEXT NOT NULL,
    "createdAt" DATETIME NOT NULL,

    PRIMARY KEY ("accountId", "clientToken")
);

-- CreateIndex
CREATE INDEX "Disk_accountId_createdAt_id_idx" ON "Disk"("accountId", "createdAt", "id");

-- CreateIndex
CREATE INDEX "Disk_accountId_name_id_idx" ON "Disk"("accountId", "name", "id");

-- CreateIndex
CREATE INDEX "Disk_accountId_sizeBytes_id_idx" ON "Disk"("accountId", "sizeBytes", "id");

-- CreateIndex
CREATE UNIQUE INDEX "Disk_provider_location_key" ON "Disk"("provider", "location");

-- CreateIndex
CREATE INDEX "Snapshot_accountId_createdAt_id_idx" ON "Snapshot"("accountId", "createdAt", "id");

-- CreateIndex
CREATE INDEX "Snapshot_accountId_name_id_idx" ON "Snapshot"("accountId", "name", "id");

-- CreateIndex
CREATE INDEX "Snapshot_accountId_sizeBytes_id_idx" ON "Snapshot"("accountId", "sizeBytes", "id");

-- CreateIndex
CREATE INDEX "Snapshot_diskId_createdAt_id_idx" ON "Snapshot"("diskId", "createdAt", "id");

-- CreateIndex
CREATE INDEX "Snapshot_diskId_type_status_idx" ON "Snapshot"("diskId", "type", "status");

-- CreateIndex
CREATE INDEX "Snapshot_status_leaseUntil_idx" ON "Snapshot"("status", "leaseUntil");

-- CreateIndex
CREATE INDEX "SnapshotTag_key_value_idx" ON "SnapshotTag"("key", "value");

-- CreateIndex
CREATE INDEX "SnapshotTransition_snapshotId_sequence_idx" ON "SnapshotTransition"("snapshotId", "sequence");

-- CreateIndex
CREATE INDEX "SnapshotTransition_accountId_sequence_idx" ON "SnapshotTransition"("accountId", "sequence");

-- CreateIndex
CREATE INDEX "IdempotencyKey_createdAt_idx" ON "IdempotencyKey"("createdAt");
