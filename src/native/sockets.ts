import { Socket } from 'node:net'
import { find } from './c-library.ts'

const IPPROTO_TCP = 6
const TCP_USER_TIMEOUT = 18
const F_DUPFD_CLOEXEC = 1030

const setsockopt = find('int setsockopt(int fd, int level, int name, const int *value, unsigned int length)')
const fcntl = find('int fcntl(int fd, int command, int argument)')

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

function fdOf(socket: Socket): number | undefined {
  const fd = (socket as unknown as { _handle?: { fd?: number } | null })._handle?.fd
  return fd !== undefined && fd >= 0 ? fd : undefined
}
