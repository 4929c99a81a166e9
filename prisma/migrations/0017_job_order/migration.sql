-- DropIndex
DROP INDEX "Job_kind_id_idx";

-- DropIndex
DROP INDEX "Job_accountId_kind_idx";

-- CreateIndex
CREATE INDEX "Job_kind_accountId_id_idx" ON "Job"("kind", "accountId", "id");

-- CreateIndex
CREATE INDEX "Job_cancelRequestedAt_idx" ON "Job"("cancelRequestedAt");
