-- CreateIndex
CREATE INDEX "Disk_connectionId_name_id_idx" ON "Disk"("connectionId", "name", "id");

-- CreateIndex
CREATE INDEX "Snapshot_connectionId_createdAt_id_idx" ON "Snapshot"("connectionId", "createdAt", "id");
