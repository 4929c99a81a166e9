/** The kinds of background jobs, each with its words for a sentence. */
export const JOB_KINDS = {
  COPY_SNAPSHOT: 'copy the disk',
  DELETE_SNAPSHOT: 'delete the snapshot',
  VERIFY_SNAPSHOT: 'verify the snapshot',
  CREATE_DISK: 'create the disk',
  ATTACH_DISK: 'attach the disk',
  DETACH_DISK: 'detach the disk',
  RESIZE_DISK: 'resize the disk',
  ROLL_BACK_DISK: 'roll back the disk',
  RELEASE_DISK: 'release the disk',
  CLEAN_UP: 'remove what a cancelled operation left',
} as const
export type JobKind = keyof typeof JOB_KINDS

/** The kinds that clients see as the operation on a snapshot or disk. */
export type OperationKind = Exclude<JobKind, 'CLEAN_UP'>

/** The kinds that move bytes: they take as long as the bytes, and share COPY_CONCURRENCY. */
export const LONG_JOB_KINDS = [
  'COPY_SNAPSHOT',
  'VERIFY_SNAPSHOT',
  'CREATE_DISK',
  'ROLL_BACK_DISK',
] as const satisfies JobKind[]

/** The kinds that read the copy of a snapshot, which must stay for as long. */
export const READING_JOB_KINDS = [
  'VERIFY_SNAPSHOT',
  'CREATE_DISK',
  'ROLL_BACK_DISK',
] as const satisfies JobKind[]

/** The kinds that a disk is busy with: those about itself, and the copying of its bytes. */
export const DISK_JOB_KINDS = [
  'COPY_SNAPSHOT',
  'CREATE_DISK',
  'ATTACH_DISK',
  'DETACH_DISK',
  'RESIZE_DISK',
  'ROLL_BACK_DISK',
  'RELEASE_DISK',
] as const satisfies JobKind[]

interface Job {
  kind: JobKind
  snapshotId: string | null
  diskId: string | null
}

/** The id of the snapshot or disk that the job changes; empty for a clean-up, which changes neither. */
export function subjectOf({ kind, snapshotId, diskId }: Job): string {
  if (kind === 'CLEAN_UP') return ''
  return (kind.endsWith('_SNAPSHOT') ? snapshotId : diskId) ?? ''
}

/** The operation on the snapshot or disk with this id, among the jobs that concern it. */
export function operationOn<T extends Job>(
  id: string,
  jobs: readonly T[],
): (T & { kind: OperationKind }) | undefined {
  return jobs.find((job): job is T & { kind: OperationKind } => subjectOf(job) === id)
}

/** Whether the work reads the copy of a snapshot. */
export function isReading({ kind }: { kind: JobKind }): boolean {
  return READING_JOB_KINDS.some((reading) => reading === kind)
}

/** Whether the work verifies a snapshot. */
export function isVerifying({ kind }: { kind: JobKind }): boolean {
  return kind === 'VERIFY_SNAPSHOT'
}
