import { REASONS } from '../../domain/reasons.ts'

/**
 * Which errors of the system pass by themselves, and which last until somebody changes something. Work that meets a
 * passing error is repeated; a lasting one ends it, with the sentence here, which is shown to clients and names no path.
 */

const NOT_PERMITTED = REASONS.PERMISSION_MISSING
const DEVICE = REASONS.STORAGE_FAULT
const TOO_LARGE = REASONS.FILE_SYSTEM_LIMIT
const UNSUPPORTED = REASONS.FILE_SYSTEM_UNSUPPORTED
const { WRONG_PLACE } = REASONS

const LASTING: Readonly<Record<string, string>> = {
  EACCES: NOT_PERMITTED,
  EPERM: NOT_PERMITTED,
  EROFS: REASONS.FILE_SYSTEM_READ_ONLY,
  ENOSPC: REASONS.FILE_SYSTEM_FULL,
  EDQUOT: REASONS.FILE_SYSTEM_QUOTA,
  EIO: DEVICE,
  ENXIO: DEVICE,
  ENODEV: DEVICE,
  EBADMSG: DEVICE,
  EFBIG: TOO_LARGE,
  EOVERFLOW: TOO_LARGE,
  ENAMETOOLONG: REASONS.PATH_TOO_LONG,
  ELOOP: WRONG_PLACE,
  ENOENT: WRONG_PLACE,
  ENOTDIR: WRONG_PLACE,
  EISDIR: WRONG_PLACE,
  EBUSY: REASONS.IMAGE_BUSY,
  EINVAL: UNSUPPORTED,
  EILSEQ: UNSUPPORTED,
  EMLINK: UNSUPPORTED,
  ENODATA: UNSUPPORTED,
  ENOSYS: UNSUPPORTED,
  ENOTSUP: UNSUPPORTED,
  ENOTTY: UNSUPPORTED,
  EOPNOTSUPP: UNSUPPORTED,
  ERANGE: UNSUPPORTED,
  E2BIG: UNSUPPORTED,
  ESPIPE: UNSUPPORTED,
  EXDEV: UNSUPPORTED,
}

/** Shortages, interruptions, races and file servers that are away; errors that no file operation has are listed as well. */
export const PASSING: ReadonlySet<string> = new Set([
  ...['EAGAIN', 'EWOULDBLOCK', 'EINTR', 'ECANCELED', 'EALREADY', 'EINPROGRESS', 'EDEADLK', 'ENOLCK'],
  ...['EMFILE', 'ENFILE', 'ENOMEM', 'ENOBUFS', 'ENOSR', 'EEXIST', 'ENOTEMPTY', 'ETXTBSY', 'EBADF', 'ESTALE'],
  ...['ETIME', 'ETIMEDOUT', 'ECONNABORTED', 'ECONNREFUSED', 'ECONNRESET', 'EHOSTUNREACH', 'ENETDOWN'],
  ...['ENETRESET', 'ENETUNREACH', 'ENOLINK', 'EPIPE', 'EPROTO', 'ENOTCONN', 'EISCONN', 'EADDRINUSE'],
  ...['EADDRNOTAVAIL', 'EAFNOSUPPORT', 'ECHILD', 'EDESTADDRREQ', 'EDOM', 'EFAULT', 'EIDRM', 'EMSGSIZE'],
  ...['EMULTIHOP', 'ENOEXEC', 'ENOMSG', 'ENOPROTOOPT', 'ENOSTR', 'ENOTSOCK', 'EPROTONOSUPPORT', 'EPROTOTYPE'],
  'ESRCH',
])

/** Of the process or the machine: they say nothing about the file that could not be looked at. */
const SHORTAGES: ReadonlySet<string> = new Set(['EMFILE', 'ENFILE', 'ENOMEM'])

/** Takes an error for the absence of what was looked at; throws it when it is a shortage. */
export function absent(error: unknown): undefined {
  const { code = '' } = error as NodeJS.ErrnoException
  if (SHORTAGES.has(code)) throw error
  return undefined
}

/** A fault that passes although its code is that of a lasting one: the work is repeated. */
export class PassingFault extends Error {
  readonly code: string

  constructor(code: string, message: string) {
    super(message)
    this.code = code
  }
}

/** The error that ended the work, without those of cleaning up after it. */
export function originOf(error: unknown): unknown {
  let origin = error
  while (origin instanceof SuppressedError) origin = origin.suppressed
  return origin
}

/** The code of the error that ended the work, or of its cause. */
export function codeOf(error: unknown): string | undefined {
  const { code, cause } = (originOf(error) ?? {}) as { code?: unknown; cause?: unknown }
  if (typeof code === 'string') return code
  return cause === undefined ? undefined : codeOf(cause)
}

/** Why work that failed with this error cannot succeed when it is repeated; undefined when it may. */
export function lastingReason(error: unknown): string | undefined {
  if (originOf(error) instanceof PassingFault) return undefined
  const code = codeOf(error)
  return code !== undefined && Object.hasOwn(LASTING, code) ? LASTING[code] : undefined
}

/** Takes a lasting error for the absence of what was looked at; throws one that may pass. */
export function unlessPassing(error: unknown): undefined {
  if (lastingReason(error) === undefined) throw error
}
