import { Socket } from 'node:net'
import { find, struct } from './c-library.ts'

const IPPROTO_TCP = 6
const TCP_USER_TIMEOUT = 18
const F_DUPFD_CLOEXEC = 1030
const SOL_SOCKET = 1
const SCM_RIGHTS = 1
const MSG_NOSIGNAL = 0x4000

struct('iovec', { base: 'void *', length: 'size_t' })
struct('msghdr', {
  name: 'void *',
  nameLength: 'uint32_t',
  parts: 'iovec *',
  partCount: 'size_t',
  control: 'void *',
  controlLength: 'size_t',
  flags: 'int',
})

const setsockopt = find('int setsockopt(int fd, int level, int name, const int *value, unsigned int length)')
const fcntl = find('int fcntl(int fd, int command, int argument)')
const sendmsg = find('int64_t sendmsg(int fd, const msghdr *message, int flags)')

/**
 * Has the system close the connection when what was sent is not acknowledged, or finds no room, for this many
 * milliseconds; otherwise that takes a quarter of an hour or more. False where it cannot be set: not on Linux.
 */
export function setUserTimeout(socket: Socket, timeoutMs: number): boolean {
  const fd = fdOf(socket)
  return fd !== undefined && setsockopt?.(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, [timeoutMs], 4) === 0
}

/**
 * The same connection as another socket, for one that outlives what it began with, such as an HTTP exchange. The given
 * one may then be destroyed, and all that hangs on it goes; nothing may wait in it. Undefined where that is not possible.
 */
export function duplicate(socket: Socket): Socket | undefined {
  const fd = fdOf(socket)
  const copy = fd === undefined ? -1 : Number(fcntl?.(fd, F_DUPFD_CLOEXEC, 0) ?? -1)
  return copy < 0 ? undefined : new Socket({ fd: copy, readable: true, writable: true })
}

/**
 * Sends bytes together with an open file over a unix socket, at once: nothing may wait in it. False where that is not
 * possible, or the socket has no room for all of it.
 */
export function sendWithFile(socket: Socket, bytes: Buffer, file: number): boolean {
  const fd = fdOf(socket)
  if (fd === undefined || sendmsg === undefined) return false
  // A cmsghdr of one descriptor: its length, level and type, and padding to eight bytes.
  const control = Buffer.alloc(24)
  control.writeUInt32LE(20, 0)
  control.writeInt32LE(SOL_SOCKET, 8)
  control.writeInt32LE(SCM_RIGHTS, 12)
  control.writeInt32LE(file, 16)
  const message = {
    ...{ name: null, nameLength: 0, flags: 0 },
    ...{ parts: [{ base: bytes, length: bytes.length }], partCount: 1 },
    ...{ control, controlLength: control.length },
  }
  return Number(sendmsg(fd, message, MSG_NOSIGNAL)) === bytes.length
}

function fdOf(socket: Socket): number | undefined {
  const fd = (socket as unknown as { _handle?: { fd?: number } | null })._handle?.fd
  return fd !== undefined && fd >= 0 ? fd : undefined
}
