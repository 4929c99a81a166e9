import type { LogTable } from '../database/rows.ts'
import { DISK_JOB_KINDS } from '../domain/job.ts'
import { Prisma } from '../generated/prisma/client.ts'

/** Which of the two logs. */
export type LogSubject = keyof typeof LOGS

/** The two logs: the same in all but their tables. */
export const LOGS = {
  SNAPSHOT: {
    /** The first letter of its cursors. */
    letter: 's',
    model: 'SnapshotTransition',
    table: Prisma.raw('"SnapshotTransition"'),
    columns: Prisma.raw(
      '"position", "accountId", "sequence", "tag", "snapshotId", "snapshotName", "snapshotType", "snapshotTags", "diskId", "from", "to", "reason", "actor", "at", "upstreamAt"',
    ),
    /** The column that says what a transition is of. */
    subject: Prisma.raw('"snapshotId"'),
    /** Which jobs keep a stream of one snapshot open: any work on its copy, or that reads it. */
    work: Prisma.sql`TRUE`,
    /** What pruning leaves: the history of a snapshot that still exists, which is short. */
    kept: Prisma.sql`EXISTS (SELECT 1 FROM "Snapshot" s WHERE s."id" = "SnapshotTransition"."snapshotId")`,
  },
  DISK: {
    letter: 'd',
    model: 'DiskTransition',
    table: Prisma.raw('"DiskTransition"'),
    columns: Prisma.raw(
      '"position", "accountId", "sequence", "tag", "diskId", "from", "to", "reason", "actor", "at", "upstreamAt"',
    ),
    subject: Prisma.raw('"diskId"'),
    /** Operations on the disk; not the verification of its snapshots. */
    work: Prisma.sql`"kind" IN (${Prisma.join([...DISK_JOB_KINDS])})`,
    /** What pruning leaves: the last transition of a disk that still exists. Its whole history has no bounds. */
    kept: Prisma.sql`EXISTS (SELECT 1 FROM "Disk" d WHERE d."id" = "DiskTransition"."diskId")
      AND "position" = (SELECT max(l."position") FROM "DiskTransition" l WHERE l."diskId" = "DiskTransition"."diskId")`,
  },
} satisfies Record<string, { model: LogTable; [fact: string]: unknown }>
