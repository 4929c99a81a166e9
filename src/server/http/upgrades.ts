import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'

/** What Node keeps of a connection's parser, as far as it is used here. */
interface Parser {
  constructor: { kOnExecute?: number }
  incoming: { upgrade: boolean } | null
  socket: Socket | null
  execute: (chunk: Buffer) => number | Error
  getCurrentBuffer: () => Buffer
  [onExecute: number]: ((parsed: number | Error) => void) | null
}

const patched = new WeakSet<Parser>()

/**
 * Whether a request opens a WebSocket; an `Upgrade` to anything else is ignored, as RFC 9110, 7.8 allows, and the request
 * is answered in HTTP/1.1. For `shouldUpgradeCallback` of an HTTP server.
 */
export function isWebSocketUpgrade(request: IncomingMessage): boolean {
  const { headers, httpVersion, method, socket } = request
  if (method === 'GET' && httpVersion === '1.1' && headers.upgrade?.toLowerCase() === 'websocket') return true
  keepRest(socket)
  return false
}

/**
 * Keeps what follows an ignored upgrade in the same chunk. The parser of Node stops at the end of such a message, where
 * another protocol might begin, and Node then drops the rest of the chunk: here the rest goes back to the front of the
 * socket.
 */
function keepRest(socket: Socket): void {
  const { parser } = socket as unknown as { parser?: Parser | null }
  const onExecute = parser?.constructor.kOnExecute
  if (!parser || onExecute === undefined) return

  // At first the parser reads from the handle of the socket, past its stream.
  const executed = parser[onExecute]
  if (executed) {
    parser[onExecute] = (parsed) => {
      parser[onExecute] = executed
      const rest = restOf(parser, parser.getCurrentBuffer(), parsed)
      executed(parsed)
      // A listener to data has Node read by the stream from here on.
      socket.on('data', ignore).off('data', ignore)
      if (rest) socket.unshift(rest)
    }
  }
  // Then it is given the chunks of the stream. Parsers are used again for other connections, and this holds for those too.
  if (patched.has(parser)) return
  patched.add(parser)
  const execute = parser.execute.bind(parser)
  parser.execute = (chunk) => {
    const parsed = execute(chunk)
    const rest = restOf(parser, chunk, parsed)
    if (rest) parser.socket?.unshift(rest)
    return parsed
  }
}

function restOf(parser: Parser, chunk: Buffer, parsed: number | Error): Buffer | undefined {
  if (typeof parsed !== 'number' || parsed >= chunk.length || parser.incoming?.upgrade) return undefined
  return Buffer.from(chunk.subarray(parsed))
}

function ignore(): void {}
