import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { atEndOfRound } from './end-of-round.ts'

/** How much of an answer is sent at once, in bytes: the system copies it meanwhile, which takes a millisecond a MiB or more. */
const PIECE_BYTES = 512 * 1024

/** Sends an answer of these bytes, each a character; a long one in pieces, which takes a while. */
export function send(
  response: ServerResponse,
  contentType: string,
  bytes: string,
): Promise<void> | undefined {
  const head = { 'content-type': contentType, 'content-length': bytes.length }
  if (bytes.length > PIECE_BYTES) return sendInPieces(response.writeHead(200, head), bytes)
  // In one piece with the head, which is a string too.
  atEndOfRound(() => response.writeHead(200, head).end(bytes, 'latin1'))
  return undefined
}

/** Sends a long answer, with a turn for others between its pieces. */
async function sendInPieces(response: ServerResponse, bytes: string): Promise<void> {
  for (let start = 0; start < bytes.length && !response.destroyed; start += PIECE_BYTES) {
    if (!response.write(bytes.slice(start, start + PIECE_BYTES), 'latin1')) await roomIn(response)
    await nextTurn()
  }
  response.end()
}

/** Resolves when the client has taken what it was sent, or is gone. */
async function roomIn(response: ServerResponse): Promise<void> {
  if (response.destroyed) return
  const over = new AbortController()
  const { signal } = over
  await Promise.race([once(response, 'drain', { signal }), once(response, 'close', { signal })])
  over.abort()
}
