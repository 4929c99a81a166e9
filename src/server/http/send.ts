import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import { preferences } from './preferences.ts'
import { atEndOfRound } from './end-of-round.ts'

/** How much of an answer is sent at once, in bytes: the system copies it meanwhile, which takes a millisecond a MiB or more. */
const PIECE_BYTES = 512 * 1024

/** From how many bytes on an answer fills more than the packet that its head takes anyway. */
const WORTH_COMPRESSING = 1_400

/** Up to how many bytes: work on files waits for the same threads, and to compress this takes them some milliseconds. */
const MOST_COMPRESSED = 256 * 1024

/**
 * Whether an answer is compressed: for the pages of the gateway itself, of which browsers say so. No other site can have such a
 * request made, so that the length of an answer reveals nothing (docs/decisions/0064).
 */
export function isCompressible({ headers }: Pick<IncomingMessage, 'headers'>, bytes: string): boolean {
  return (
    bytes.length >= WORTH_COMPRESSING &&
    bytes.length <= MOST_COMPRESSED &&
    headers['sec-fetch-site'] === 'same-origin' &&
    (preferences(headers['accept-encoding']).get('gzip') ?? 0) > 0
  )
}

/** Sends an answer compressed, off the event loop. */
export async function sendCompressed(
  response: ServerResponse,
  contentType: string,
  bytes: string,
): Promise<void> {
  const compressed = await promisify(gzip)(Buffer.from(bytes, 'latin1'))
  response
    .appendHeader('vary', 'accept-encoding')
    .writeHead(200, {
      'content-type': contentType,
      'content-encoding': 'gzip',
      'content-length': compressed.length,
    })
    .end(compressed)
}

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
