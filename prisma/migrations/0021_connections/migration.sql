-- CreateTable
CREATE TABLE "Connection" (
    "id" TEXT NOT NULL PRIMARY KEY,
    "accountId" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "provider" TEXT NOT NULL,
    "region" TEXT NOT NULL,
    "endpoint" TEXT,
    "sealed" TEXT,
    "sealKey" TEXT,
    "reference" TEXT,
    "state" TEXT NOT NULL DEFAULT 'UNTRIED',
    "stateReason" TEXT,
    "stateSince" DATETIME NOT NULL,
    "createdAt" DATETIME NOT NULL,
    CONSTRAINT "Connection_accountId_fkey" FOREIGN KEY ("accountId") REFERENCES "Account" ("id") ON DELETE RESTRICT ON UPDATE CASCADE
);

-- CreateIndex
CREATE INDEX "Connection_accountId_createdAt_id_idx" ON "Connection"("accountId", "createdAt", "id");
