import type { Logger } from 'pino'
import { logFault } from '../database/log-fault.ts'
import type { Database } from '../database/database.ts'
import { connectionRefusals } from '../domain/create-snapshot.ts'
import type { Provider } from '../domain/connection.ts'
import { Prisma, type Connection, type Disk } from '../generated/prisma/client.ts'
import type { Clock, NewId } from './clock.ts'
import type { Clouds } from './clouds.ts'
import type { ShownConnection } from './connections.ts'
import { diskChanges, writeDisk } from './upstream-rows.ts'
import type { Viewer } from './viewer.ts'

/** For how long what was read of a disk is taken for the present, in milliseconds: calls in that time share it. */
const FRESH_MS = 2_000

/** How long a mutation waits for it, in milliseconds. */
const LOOK_MS = 3_000

/** Reads disks in clouds before something is asked of them, so that what follows decides by their present status. */
export function createCloudLooks({
  db,
  clouds,
  announce,
  log,
  now,
  newId,
}: {
  db: Database
  clouds: Clouds
  announce: () => void
  log: Logger
  now: Clock
  newId: NewId
}) {
  const looks = new Map<string, { at: number; look: Promise<void> }>()

  async function read(disk: Disk & { externalId: string }, connection: ShownConnection): Promise<void> {
    const cloud = clouds.of(connection, 'WRITE')
    const seen = await cloud.readDisk(disk.externalId, AbortSignal.timeout(LOOK_MS))
    // One that is not there is refused by the cloud itself, and taken away by the next pass.
    if (!seen || !diskChanges(disk, seen, disk.status === 'SNAPSHOTTING')) return
    const provider = disk.provider as Provider
    const seeing = { connection: { ...connection, provider }, at: now(), newId }
    await db.write(function* (sql) {
      // Not if the connection was deleted meanwhile.
      if (yield* sql.lock('Connection', { id: connection.id })) yield* writeDisk(sql, seeing, seen)
    })
    announce()
  }

  return {
    /**
     * Reads the disk, if it is the viewer's and in a cloud, at most once in two seconds. What is known decides when the cloud
     * does not answer: whether that is worth waiting for says the state of the connection.
     */
    async lookAt({ accountId }: Pick<Viewer, 'accountId'>, diskId: string): Promise<void> {
      const disk = db.reader.get<Disk>(
        Prisma.sql`SELECT * FROM "Disk" WHERE "id" = ${diskId} AND "accountId" = ${accountId} AND "externalId" IS NOT NULL`,
      )
      if (!disk || disk.connectionId === null || disk.externalId === null) return
      const { connectionId, externalId } = disk
      const connection = db.reader.get<Connection>(
        Prisma.sql`SELECT * FROM "Connection" WHERE "id" = ${connectionId} AND "accountId" = ${accountId}`,
      )
      if (!connection || connectionRefusals(connection).length > 0) return
      const at = performance.now()
      for (const [id, look] of looks) if (at - look.at > FRESH_MS) looks.delete(id)
      const known = looks.get(diskId)
      if (known) return known.look
      const look = read({ ...disk, externalId }, connection).catch((error: unknown) => {
        logFault(log, error, 'a disk in a cloud could not be read', { diskId, connectionId })
      })
      looks.set(diskId, { at, look })
      return look
    },
  }
}
