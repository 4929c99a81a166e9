-- DropIndex
DROP INDEX "SnapshotTag_key_value_idx";

-- CreateTable
CREATE TABLE "DiskTag" (
    "diskId" TEXT NOT NULL,
    "key" TEXT NOT NULL,
    "value" TEXT NOT NULL,

    PRIMARY KEY ("diskId", "key"),
    CONSTRAINT "DiskTag_diskId_fkey" FOREIGN KEY ("diskId") REFERENCES "Disk" ("id") ON DELETE CASCADE ON UPDATE CASCADE
);

-- CreateTable
CREATE TABLE "DiskTransition" (
    "sequence" INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    "accountId" TEXT NOT NULL,
    "diskId" TEXT NOT NULL,
    "from" TEXT,
    "to" TEXT NOT NULL,
    "reason" TEXT,
    "at" DATETIME NOT NULL
);

-- CreateTable
CREATE TABLE "Job" (
    "id" INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    "accountId" TEXT NOT NULL,
    "kind" TEXT NOT NULL,
    "snapshotId" TEXT,
    "diskId" TEXT,
    "instanceId" TEXT,
    "device" TEXT,
    "sizeBytes" BIGINT,
    "reason" TEXT,
    "createdAt" DATETIME NOT NULL,
    "progress" INTEGER,
    "leaseOwner" TEXT,
    "leaseUntil" DATETIME,
    "attempts" INTEGER NOT NULL DEFAULT 0,
    "retryAt" DATETIME,
    "stalledSince" DATETIME,
    "stallReason" TEXT
);

-- What is under way goes on as a job, oldest first.
INSERT INTO "Job" ("accountId", "kind", "snapshotId", "diskId", "createdAt", "progress", "leaseOwner", "leaseUntil", "attempts", "retryAt", "stalledSince", "stallReason")
SELECT "accountId", 'COPY_SNAPSHOT', "id", "diskId", "createdAt", "progress", "leaseOwner", "leaseUntil", "attempts", "retryAt", "stalledSince", "stallReason"
FROM "Snapshot" WHERE "status" = 'CREATING' ORDER BY "createdAt", "id";

-- The history of each disk begins with what it is now.
INSERT INTO "DiskTransition" ("accountId", "diskId", "to", "reason", "at")
SELECT "accountId", "id", "status", "statusReason", strftime('%Y-%m-%dT%H:%M:%f+00:00', 'now') FROM "Disk" ORDER BY "createdAt", "id";

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
    CONSTRAINT "Disk_accountId_fkey" FOREIGN KEY ("accountId") REFERENCES "Account" ("id") ON DELETE RESTRICT ON UPDATE CASCADE
);
INSERT INTO "new_Disk" ("accountId", "createdAt", "description", "device", "id", "instanceId", "kind", "location", "name", "provider", "sizeBytes", "status", "statusReason", "storageType", "zone") SELECT "accountId", "createdAt", "description", "device", "id", "instanceId", "kind", "location", "name", "provider", "sizeBytes", "status", "statusReason", "storageType", "zone" FROM "Disk";
DROP TABLE "Disk";
ALTER TABLE "new_Disk" RENAME TO "Disk";
CREATE INDEX "Disk_accountId_createdAt_id_idx" ON "Disk"("accountId", "createdAt", "id");
CREATE INDEX "Disk_accountId_name_id_idx" ON "Disk"("accountId", "name", "id");
CREATE INDEX "Disk_accountId_sizeBytes_id_idx" ON "Disk"("accountId", "sizeBytes", "id");
CREATE INDEX "Disk_accountId_status_name_id_idx" ON "Disk"("accountId", "status", "name", "id");
CREATE UNIQUE INDEX "Disk_provider_location_key" ON "Disk"("provider", "location");
CREATE TABLE "new_IdempotencyKey" (
    "accountId" TEXT NOT NULL,
    "clientToken" TEXT NOT NULL,
    "inputHash" TEXT NOT NULL,
    "resourceId" TEXT NOT NULL,
    "createdAt" DATETIME NOT NULL,

    PRIMARY KEY ("accountId", "clientToken")
);
INSERT INTO "new_IdempotencyKey" ("accountId", "clientToken", "createdAt", "inputHash", "resourceId") SELECT "accountId", "clientToken", "createdAt", "inputHash", "snapshotId" FROM "IdempotencyKey";
DROP TABLE "IdempotencyKey";
ALTER TABLE "new_IdempotencyKey" RENAME TO "IdempotencyKey";
CREATE INDEX "IdempotencyKey_createdAt_idx" ON "IdempotencyKey"("createdAt");
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
    CONSTRAINT "Snapshot_accountId_fkey" FOREIGN KEY ("accountId") REFERENCES "Account" ("id") ON DELETE RESTRICT ON UPDATE CASCADE,
    CONSTRAINT "Snapshot_diskId_fkey" FOREIGN KEY ("diskId") REFERENCES "Disk" ("id") ON DELETE SET NULL ON UPDATE CASCADE
);
INSERT INTO "new_Snapshot" ("accountId", "checksum", "completedAt", "consistency", "createdAt", "dataBytes", "description", "diskId", "diskKind", "expiresAt", "failureReason", "id", "name", "retentionDays", "sizeBytes", "status", "type") SELECT "accountId", "checksum", "completedAt", "consistency", "createdAt", "dataBytes", "description", "diskId", "diskKind", "expiresAt", "failureReason", "id", "name", "retentionDays", "sizeBytes", "status", "type" FROM "Snapshot";
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
CREATE TABLE "new_TransitionLog" (
    "id" TEXT NOT NULL PRIMARY KEY,
    "subject" TEXT NOT NULL DEFAULT 'SNAPSHOT',
    "prunedThrough" INTEGER NOT NULL DEFAULT 0
);
INSERT INTO "new_TransitionLog" ("id", "prunedThrough") SELECT "id", "prunedThrough" FROM "TransitionLog";
DROP TABLE "TransitionLog";
ALTER TABLE "new_TransitionLog" RENAME TO "TransitionLog";
CREATE UNIQUE INDEX "TransitionLog_subject_key" ON "TransitionLog"("subject");
PRAGMA foreign_keys=ON;
PRAGMA defer_foreign_keys=OFF;

-- CreateIndex
CREATE INDEX "DiskTransition_diskId_sequence_idx" ON "DiskTransition"("diskId", "sequence");

-- CreateIndex
CREATE INDEX "DiskTransition_accountId_sequence_idx" ON "DiskTransition"("accountId", "sequence");

-- CreateIndex
CREATE INDEX "Job_kind_id_idx" ON "Job"("kind", "id");

-- CreateIndex
CREATE INDEX "Job_snapshotId_idx" ON "Job"("snapshotId");

-- CreateIndex
CREATE INDEX "Job_diskId_idx" ON "Job"("diskId");

-- CreateIndex
CREATE INDEX "Job_accountId_kind_idx" ON "Job"("accountId", "kind");
