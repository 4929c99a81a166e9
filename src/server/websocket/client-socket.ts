import { WebSocket } from 'ws'

/** What a close frame has room for beside its code, in bytes (RFC 6455, 5.5). */
const MAX_REASON_BYTES = 123

/**
 * The socket of a client. Reasons to close it may repeat what the client sent, or what the configuration names: one that
 * is too long is cut between two characters, where `ws` throws.
 */
export class ClientSocket extends WebSocket {
  override close(code?: number, reason?: string | Buffer): void {
    super.close(code, typeof reason === 'string' ? cut(reason) : reason)
  }
}

function cut(reason: string): Buffer {
  const bytes = Buffer.alloc(MAX_REASON_BYTES)
  return bytes.subarray(0, new TextEncoder().encodeInto(reason, bytes).written)
}
