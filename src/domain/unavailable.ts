/** What can keep the gateway from serving, and what a client is told of it. Paths and details stand in the log only. */
export const UNAVAILABLE = {
  LOCKED: 'Another process holds the database lock.',
  LOG_FULL: 'The write-ahead log of the database is full, because a process keeps a read transaction open.',
  FULL: 'No space is left on the storage.',
  READ_ONLY: 'The storage is read-only.',
  TOO_MANY_FILES: 'Too many open files.',
  CANNOT_OPEN: 'A database file cannot be opened.',
  STORAGE_FAULT: 'The storage reports an I/O error.',
  DAMAGED: 'The database is corrupt.',
  REMOVED: 'The database file was removed while the gateway was running.',
  REPLACED: 'The database file was replaced while the gateway was running.',
  DISCONNECTED: 'The database server cannot be reached.',
  UNCERTAIN:
    'The database server was lost during the commit, so the change may have been made or not. Repeat the call with the same clientToken.',
} as const
export type Unavailability = keyof typeof UNAVAILABLE

/**
 * Codes of SQLite and of the system that mean a service which is unavailable, and not a defect of ours. SQLite's stand for
 * their extended codes too: SQLITE_IOERR for SQLITE_IOERR_WRITE. Sources: https://sqlite.org/rescode.html, errno(3).
 */
const REASONS: Record<string, Unavailability> = {
  SQLITE_BUSY: 'LOCKED',
  SQLITE_LOCKED: 'LOCKED',
  SQLITE_PROTOCOL: 'LOCKED',
  SQLITE_FULL: 'FULL',
  SQLITE_READONLY: 'READ_ONLY',
  SQLITE_READONLY_DBMOVED: 'REPLACED',
  SQLITE_CANTOPEN: 'CANNOT_OPEN',
  SQLITE_PERM: 'CANNOT_OPEN',
  SQLITE_IOERR: 'STORAGE_FAULT',
  SQLITE_IOERR_CORRUPTFS: 'DAMAGED',
  SQLITE_CORRUPT: 'DAMAGED',
  SQLITE_NOTADB: 'DAMAGED',
  ENOSPC: 'FULL',
  EDQUOT: 'FULL',
  EROFS: 'READ_ONLY',
  EMFILE: 'TOO_MANY_FILES',
  ENFILE: 'TOO_MANY_FILES',
  EFBIG: 'STORAGE_FAULT',
  EIO: 'STORAGE_FAULT',
  ESTALE: 'STORAGE_FAULT',
}

/** Why an error means that the service is unavailable; undefined for every other error. */
export function unavailabilityOf(error: unknown): Unavailability | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined
  const { code } = error
  if (typeof code !== 'string') return undefined
  if (code.startsWith(OWN_CODE)) return code.slice(OWN_CODE.length) as Unavailability
  return REASONS[code] ?? REASONS[/^SQLITE_[A-Z]+/.exec(code)?.[0] ?? '']
}

const OWN_CODE = 'UNAVAILABLE_'

/** Whether it is an Unavailable, also in the words of Prisma. */
export function isUnavailable(error: unknown): boolean {
  const { code } = (error ?? {}) as { code?: unknown }
  return typeof code === 'string' && code.startsWith(OWN_CODE)
}

/** The service cannot do something now; the message is for clients, the cause for the log. */
export class Unavailable extends Error {
  override name = 'Unavailable'
  readonly reason: Unavailability
  /** Prisma keeps the `code` of an error and nothing else of it. */
  readonly code: string

  constructor(reason: Unavailability, cause?: unknown) {
    super(UNAVAILABLE[reason], { cause })
    this.reason = reason
    this.code = `${OWN_CODE}${reason}`
  }
}
