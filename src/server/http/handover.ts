import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

/** Said on a socket whose connection goes on as another one. */
const HANDED_OVER = 'handed over'

/** The connection goes on as another socket; its end is the end of that one. */
export function handOver(socket: Socket, next: Socket): void {
  socket.emit(HANDED_OVER, next)
}

/** Calls back when the connection is closed. */
export function whenClosed(socket: Socket, listener: () => void): void {
  socket.once('close', listener).once(HANDED_OVER, (next: Socket) => {
    socket.off('close', listener)
    whenClosed(next, listener)
  })
}

/** Calls back when the answer is over: sent whole, or the connection is closed that it is being sent on. */
export function whenOver(response: ServerResponse, listener: () => void): void {
  const { socket } = response.req
  const follow = (next: Socket) => {
    response.off('close', over)
    whenClosed(next, listener)
  }
  function over(): void {
    socket.off(HANDED_OVER, follow)
    listener()
  }
  response.once('close', over)
  socket.once(HANDED_OVER, follow)
}
