-- CreateTable
CREATE TABLE "AutoSnapshotPolicy" (
    "id" TEXT NOT NULL PRIMARY KEY,
    "accountId" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "timePoints" TEXT NOT NULL,
    "repeatWeekdays" TEXT NOT NULL,
    "retentionDays" INTEGER NOT NULL,
    "timeZone" TEXT NOT NULL,
    "createdAt" DATETIME NOT NULL,
    "updatedAt" DATETIME NOT NULL,
    "decidedThrough" DATETIME NOT NULL,
    "dueAt" DATETIME NOT NULL,
    CONSTRAINT "AutoSnapshotPolicy_accountId_fkey" FOREIGN KEY ("accountId") REFERENCES "Account" ("id") ON DELETE RESTRICT ON UPDATE CASCADE
);

-- CreateTable
CREATE TABLE "AutoSnapshotRun" (
    "id" TEXT NOT NULL PRIMARY KEY,
    "accountId" TEXT NOT NULL,
    "policyId" TEXT NOT NULL,
    "slot" TEXT NOT NULL,
    "scheduledFor" DATETIME NOT NULL,
    "decidedAt" DATETIME NOT NULL,
    "outcome" TEXT NOT NULL,
    CONSTRAINT "AutoSnapshotRun_policyId_fkey" FOREIGN KEY ("policyId") REFERENCES "AutoSnapshotPolicy" ("id") ON DELETE CASCADE ON UPDATE CASCADE
);

-- CreateTable
CREATE TABLE "AutoSnapshotRunDisk" (
    "id" TEXT NOT NULL PRIMARY KEY,
    "runId" TEXT NOT NULL,
    "diskId" TEXT NOT NULL,
    "accountId" TEXT NOT NULL,
    "outcome" TEXT NOT NULL,
    "refusalCode" TEXT,
    "refusalMessage" TEXT,
    "snapshotId" TEXT,
    CONSTRAINT "AutoSnapshotRunDisk_runId_fkey" FOREIGN KEY ("runId") REFERENCES "AutoSnapshotRun" ("id") ON DELETE CASCADE ON UPDATE CASCADE
);

-- RedefineTables
PRAGMA defer_foreign_keys=ON;
PRAGMA foreign_keys=OFF;
CREATE TABLE "new_Disk" (
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
    "provisioned" BOOLEAN NOT NULL DEFAULT true,
    "createdAt" DATETIME NOT NULL,
    "policyId" TEXT,
    CONSTRAINT "Disk_accountId_fkey" FOREIGN KEY ("accountId") REFERENCES "Account" ("id") ON DELETE RESTRICT ON UPDATE CASCADE,
    CONSTRAINT "Disk_policyId_fkey" FOREIGN KEY ("policyId") REFERENCES "AutoSnapshotPolicy" ("id") ON DELETE SET NULL ON UPDATE CASCADE
);
INSERT INTO "new_Disk" ("accountId", "createdAt", "description", "device", "id", "instanceId", "kind", "location", "name", "provider", "provisioned", "sizeBytes", "status", "statusReason", "storageType", "zone") SELECT "accountId", "createdAt", "description", "device", "id", "instanceId", "kind", "location", "name", "provider", "provisioned", "sizeBytes", "status", "statusReason", "storageType", "zone" FROM "Disk";
DROP TABLE "Disk";
ALTER TABLE "new_Disk" RENAME TO "Disk";
CREATE INDEX "Disk_accountId_createdAt_id_idx" ON "Disk"("accountId", "createdAt", "id");
CREATE INDEX "Disk_accountId_name_id_idx" ON "Disk"("accountId", "name", "id");
CREATE INDEX "Disk_accountId_sizeBytes_id_idx" ON "Disk"("accountId", "sizeBytes", "id");
CREATE INDEX "Disk_policyId_createdAt_id_idx" ON "Disk"("policyId", "createdAt", "id");
CREATE INDEX "Disk_accountId_status_name_id_idx" ON "Disk"("accountId", "status", "name", "id");
CREATE UNIQUE INDEX "Disk_provider_location_key" ON "Disk"("provider", "location");
CREATE TABLE "new_Snapshot" (
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
    "consistency" TEXT,
    "checksum" TEXT,
    "failureReason" TEXT,
    "retentionDays" INTEGER,
    "expiresAt" DATETIME,
    "createdAt" DATETIME NOT NULL,
    "completedAt" DATETIME,
    "verifiedAt" DATETIME,
    "evicted" BOOLEAN NOT NULL DEFAULT false,
    CONSTRAINT "Snapshot_accountId_fkey" FOREIGN KEY ("accountId") REFERENCES "Account" ("id") ON DELETE RESTRICT ON UPDATE CASCADE,
    CONSTRAINT "Snapshot_diskId_fkey" FOREIGN KEY ("diskId") REFERENCES "Disk" ("id") ON DELETE SET NULL ON UPDATE CASCADE
);
INSERT INTO "new_Snapshot" ("accountId", "checksum", "completedAt", "consistency", "createdAt", "dataBytes", "description", "diskId", "diskKind", "expiresAt", "failureReason", "id", "name", "retentionDays", "sizeBytes", "status", "type", "verifiedAt") SELECT "accountId", "checksum", "completedAt", "consistency", "createdAt", "dataBytes", "description", "diskId", "diskKind", "expiresAt", "failureReason", "id", "name", "retentionDays", "sizeBytes", "status", "type", "verifiedAt" FROM "Snapshot";
DROP TABLE "Snapshot";
ALTER TABLE "new_Snapshot" RENAME TO "Snapshot";
CREATE INDEX "Snapshot_accountId_createdAt_id_idx" ON "Snapshot"("accountId", "createdAt", "id");
CREATE INDEX "Snapshot_accountId_name_id_idx" ON "Snapshot"("accountId", "name", "id");
CREATE INDEX "Snapshot_accountId_sizeBytes_id_idx" ON "Snapshot"("accountId", "sizeBytes", "id");
CREATE INDEX "Snapshot_accountId_status_createdAt_id_idx" ON "Snapshot"("accountId", "status", "createdAt", "id");
CREATE INDEX "Snapshot_diskId_createdAt_id_idx" ON "Snapshot"("diskId", "createdAt", "id");
CREATE INDEX "Snapshot_diskId_name_id_idx" ON "Snapshot"("diskId", "name", "id");
CREATE INDEX "Snapshot_diskId_sizeBytes_id_idx" ON "Snapshot"("diskId", "sizeBytes", "id");
CREATE INDEX "Snapshot_diskId_type_status_idx" ON "Snapshot"("diskId", "type", "status");
CREATE INDEX "Snapshot_expiresAt_id_idx" ON "Snapshot"("expiresAt", "id");
PRAGMA foreign_keys=ON;
PRAGMA defer_foreign_keys=OFF;

-- CreateIndex
CREATE INDEX "AutoSnapshotPolicy_accountId_createdAt_id_idx" ON "AutoSnapshotPolicy"("accountId", "createdAt", "id");

-- CreateIndex
CREATE INDEX "AutoSnapshotPolicy_accountId_name_id_idx" ON "AutoSnapshotPolicy"("accountId", "name", "id");

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
CREATE UNIQUE INDEX "AutoSnapshotRunDisk_runId_diskId_key" ON "AutoSnapshotRunDisk"("runId", "diskId");
