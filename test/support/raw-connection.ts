import { connect, type Socket } from 'node:net'

export interface RawConnection extends Disposable {
  socket: Socket
  send: (text: string | Buffer) => void
  /** What has come so far. */
  received: () => string
  closed: Promise<void>
}

/** A TCP connection to a gateway, for what no HTTP client would send. */
export function rawConnection(url: string): RawConnection {
  const { port } = new URL(url)
  const socket = connect(Number(port), '127.0.0.1')
  let received = ''
  const { promise: closed, resolve } = Promise.withResolvers<undefined>()
  socket.setEncoding('utf8').on('data', (text: string) => (received += text))
  socket.on('error', () => undefined)
  socket.on('close', () => resolve(undefined))
  return {
    socket,
    closed,
    send: (text) => {
      if (socket.writable) socket.write(text)
    },
    received: () => received,
    [Symbol.dispose]: () => socket.destroy(),
  }
}
