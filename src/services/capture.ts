import type { Logger } from 'pino'
import { Prisma, type Disk, type Snapshot } from '../generated/prisma/client.ts'
import type { Database } from '../database/database.ts'
import type { DiskProvider } from '../providers/provider.ts'

/** How long a call waits for a capture, in milliseconds. */
const CAPTURE_MS = 2_000

/** Keeps the present content of the disk of a snapshot that was just accepted, where that takes an instant. Never rejects. */
export type Capture = (snapshot: Pick<Snapshot, 'id' | 'accountId' | 'diskId'>) => Promise<void>

/**
 * Captures at acceptance, outside of the lanes of the runner: so a snapshot that waits for its copy holds what the disk held
 * when it was accepted.
 */
export function createCapture({
  db,
  provider,
  log,
}: {
  db: Database
  provider: DiskProvider
  log: Logger
}): Capture {
  return async ({ id: snapshotId, accountId, diskId }) => {
    const disk = db.reader.get<Disk>(
      Prisma.sql`SELECT * FROM "Disk" WHERE "id" = ${diskId} AND "accountId" = ${accountId}`,
    )
    // A cloud captures when it is asked for the snapshot, and another host when it begins to copy.
    if (!disk || disk.connectionId !== null || disk.host !== provider.host) return
    const { promise: late, resolve } = Promise.withResolvers()
    const timer = setTimeout(resolve, CAPTURE_MS)
    const captured = provider
      .capture({ snapshotId, disk })
      .catch((error: unknown) => log.warn({ err: error, snapshotId }, 'a disk could not be captured'))
    await Promise.race([captured, late])
    clearTimeout(timer)
  }
}
