import type { Socket } from 'node:net'

const SOL_SOCKET = 1
const SO_ATTACH_FILTER = 26

/** A packet filter (BPF) of one instruction: return 0, which is to drop. */
const DROP = { len: 1, filter: [{ code: 6, jt: 0, jf: 0, k: 0 }] }

const koffi = process.platform === 'linux' ? (await import('koffi')).default : undefined

export const canDropNetwork = koffi !== undefined

const setsockopt = koffi && attachFilter(koffi)

function attachFilter({ load, pointer, struct }: NonNullable<typeof koffi>) {
  const filter = struct({ code: 'uint16_t', jt: 'uint8_t', jf: 'uint8_t', k: 'uint32_t' })
  const program = struct({ len: 'uint16_t', filter: pointer(filter) })
  return load(null).func('setsockopt', 'int', ['int', 'int', 'int', pointer(program), 'uint32_t'])
}

/**
 * From now on nothing reaches this socket: its own kernel drops every packet unseen, acknowledges none and resets
 * nothing. To the other side that is a cable pulled out.
 */
export function dropNetwork(socket: Socket): void {
  const { fd } = (socket as unknown as { _handle: { fd: number } })._handle
  if (setsockopt?.(fd, SOL_SOCKET, SO_ATTACH_FILTER, DROP, 16) !== 0)
    throw new Error('The filter was not set.')
}
