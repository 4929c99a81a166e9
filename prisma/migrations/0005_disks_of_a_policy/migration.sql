-- CreateIndex
CREATE INDEX "Disk_policyId_name_id_idx" ON "Disk"("policyId", "name", "id");

-- CreateIndex
CREATE INDEX "Disk_policyId_sizeBytes_id_idx" ON "Disk"("policyId", "sizeBytes", "id");
