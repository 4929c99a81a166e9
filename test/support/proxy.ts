import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'

/** A network between a client and a port of this machine, which can lose what is sent, or be cut. */
export async function startProxy(port: number) {
  const sockets = new Set<Socket>()
  let isDropping = false
  let isRefusing = false
  let accepted = 0
  let onRequest: ((chunk: Buffer) => void) | undefined

  const server = createServer((client) => {
    accepted++
    if (isRefusing) {
      client.destroy()
      return
    }
    const upstream = connect(port, '127.0.0.1')
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(from)
      from.on('error', () => to.destroy())
      from.on('close', () => {
        sockets.delete(from)
        to.destroy()
      })
      from.on('data', (chunk: Buffer) => {
        if (isDropping) return
        to.write(chunk, () => from === client && onRequest?.(chunk))
      })
    }
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')

  function cut(): void {
    for (const socket of sockets) socket.destroy()
  }

  return {
    port: (server.address() as AddressInfo).port,
    /** Loses everything from now on, in both directions; connections that were open then never go on. */
    drop: () => void (isDropping = true),
    /** Ends every connection, those that are open and those that come. */
    refuse(): void {
      isRefusing = true
      cut()
    },
    /** How many connections have come. */
    accepted: () => accepted,
    /** New connections work again. */
    restore(): void {
      isDropping = isRefusing = false
      cut()
    },
    cut,
    /** Is called with what clients send, once it is passed on. */
    watch: (listener: ((chunk: Buffer) => void) | undefined) => void (onRequest = listener),
    async [Symbol.asyncDispose](): Promise<void> {
      cut()
      server.close()
      await once(server, 'close')
    },
  }
}
