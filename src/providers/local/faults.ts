/**
 * Which errors of the system pass by themselves, and which last until somebody changes something. Work that meets a
 * passing error is repeated; a lasting one ends it, with the sentence here, which is shown to clients and names no path.
 */

const NOT_PERMITTED =
  'The gateway has no permission for this where disks or snapshots are kept. Give it that permission.'
const NO_SPACE = 'There is no space left where disks or snapshots are kept. Free space.'
const DEVICE = 'The storage reports an input/output error. Check the device.'
const TOO_LARGE =
  'The file would be larger than the file system or the limit of the gateway (ulimit -f) allows. Raise the limit, or use another file system.'
const UNSUPPORTED =
  'The file system does not support what is needed for this. Keep disks and snapshots on another one.'
const WRONG_PLACE =
  'A file or directory that is needed is missing, or is something else. Restore it as it was.'

const LASTING: Readonly<Record<string, string>> = {
  EACCES: NOT_PERMITTED,
  EPERM: NOT_PERMITTED,
  EROFS: 'The file system is read-only. Mount it for writing.',
  ENOSPC: NO_SPACE,
  EDQUOT: 'The quota of the file system is used up. Free space, or raise the quota.',
  EIO: DEVICE,
  ENXIO: DEVICE,
  ENODEV: DEVICE,
  EBADMSG: DEVICE,
  EFBIG: TOO_LARGE,
  EOVERFLOW: TOO_LARGE,
  ENAMETOOLONG: 'The path of a file would be too long. Move the image to a shorter path.',
  ELOOP: WRONG_PLACE,
  ENOENT: WRONG_PLACE,
  ENOTDIR: WRONG_PLACE,
  EISDIR: WRONG_PLACE,
  EBUSY: 'The image is a mount point or is claimed by the system. Release it there.',
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
function originOf(error: unknown): unknown {
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
