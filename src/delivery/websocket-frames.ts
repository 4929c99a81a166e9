import type { Batch } from './batch.ts'

/** Frames of one batch, which several operations send, each with its own id. */
export interface Frames {
  bytes: Buffer
  /** Where the operation's id goes in each frame. */
  idsAt: readonly number[]
}

const BEFORE_ID = Buffer.from('{"id":')
const BEFORE_PAYLOAD = Buffer.from(',"type":"next","payload":')
const END = Buffer.from('}')

/** One text frame for each answer, with room for an id of this length, all in one buffer. */
export function framesOf({ payloads }: Batch, idLength: number): Frames {
  const around = BEFORE_ID.length + idLength + BEFORE_PAYLOAD.length + END.length
  const idsAt: number[] = []
  let size = 0
  for (const payload of payloads) size += headerLength(around + payload.length) + around + payload.length
  const bytes = Buffer.allocUnsafe(size)
  let at = 0
  for (const payload of payloads) {
    at = writeHeader(bytes, at, around + payload.length)
    at += BEFORE_ID.copy(bytes, at)
    idsAt.push(at)
    at += idLength
    at += BEFORE_PAYLOAD.copy(bytes, at)
    at += payload.copy(bytes, at)
    at += END.copy(bytes, at)
  }
  return { bytes, idsAt }
}

function headerLength(length: number): number {
  return length < 126 ? 2 : length < 65_536 ? 4 : 10
}

/** Writes the header of an unmasked, final text frame (RFC 6455, 5.2); returns where it ends. */
function writeHeader(bytes: Buffer, start: number, length: number): number {
  const at = bytes.writeUInt8(0x81, start)
  if (length < 126) return bytes.writeUInt8(length, at)
  if (length < 65_536) return bytes.writeUInt16BE(length, bytes.writeUInt8(126, at))
  return bytes.writeBigUInt64BE(BigInt(length), bytes.writeUInt8(127, at))
}
