import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { expect, test } from 'vitest'
import type { StreamBuffer } from '../../src/config.ts'
import { BoundedWriter } from '../../src/delivery/bounded-writer.ts'

const KIB = 1024
const MIB = 1024 ** 2
const LARGE = Buffer.alloc(MIB, 'x')

/** A writer on one end of a connection, and what has been read on the other end, which does not read at first. */
async function connection(buffer: Partial<StreamBuffer>) {
  const server = createServer({ pauseOnConnect: true })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const accepted = once(server, 'connection') as Promise<[Socket]>
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1')
  client.pause()
  const [socket] = await accepted
  const read: Buffer[] = []
  client.on('data', (chunk) => read.push(chunk)).pause()
  return {
    writer: new BoundedWriter(socket, { events: 1_000, bytes: 1_000 * MIB, ...buffer }),
    socket,
    client,
    read: () => Buffer.concat(read).toString('latin1'),
    [Symbol.dispose]() {
      client.destroy()
      socket.destroy()
      server.close()
    },
  }
}

/** Writes until the system takes no more at once, so that the last write waits; how many writes that took. */
function fill({ writer, socket }: { writer: BoundedWriter; socket: Socket }): number {
  let writes = 0
  while (socket.writableLength === 0) {
    expect(writer.write(LARGE, 1)).toBe(true)
    writes++
  }
  return writes
}

test('as many events wait as the buffer holds, one more is refused, and what was taken arrives whole and in order', async () => {
  using one = await connection({ events: 4 })
  const writes = fill(one)
  expect(['a', 'b', 'c', 'd', 'e'].map((text) => one.writer.write(Buffer.from(text), 1))).toEqual([
    true,
    true,
    true,
    false,
    false,
  ])

  one.client.resume()
  await expect.poll(() => one.read().length).toBe(writes * MIB + 3)
  expect(one.read().slice(-4)).toBe('xabc')
  expect(one.writer.write(Buffer.from('f'), 1)).toBe(true)
  await expect.poll(() => one.read().slice(-4)).toBe('abcf')
})

test('several events in one write count as several', async () => {
  using one = await connection({ events: 4 })
  fill(one)
  const write = (events: number) => one.writer.write(Buffer.from('x'), events)
  expect([write(4), write(2), write(2), write(1)]).toEqual([false, true, false, true])
})

test('the buffer is bounded in bytes too', async () => {
  using one = await connection({ bytes: 2 * MIB })
  fill(one)
  const room = 2 * MIB - one.socket.writableLength
  expect(one.writer.write(Buffer.alloc(room + 1), 1)).toBe(false)
  expect(one.writer.write(Buffer.alloc(room), 1)).toBe(true)
  expect(one.writer.write(Buffer.alloc(1), 1)).toBe(false)
})

test('what the system takes at once does not count', async () => {
  using one = await connection({ events: 1, bytes: 1 })
  one.client.resume()
  for (let i = 0; i < 100; i++) {
    expect(one.writer.write(Buffer.from('a message'), 1)).toBe(true)
    await expect.poll(() => one.socket.writableLength).toBe(0)
  }
  await expect.poll(() => one.read()).toBe('a message'.repeat(100))
})

test('writes at leisure wait for the client: little more than the buffer holds waits, and all arrives in order', async () => {
  using one = await connection({ bytes: 64 * KIB })
  fill(one)
  const before = one.socket.writableLength
  let done = 0
  const writing = (async () => {
    for (let i = 0; i < 300; i++) {
      await one.writer.writeAtLeisure(Buffer.alloc(KIB, String(i % 10)))
      done++
    }
  })()
  await new Promise((resolve) => setImmediate(resolve))
  expect([done, one.socket.writableLength]).toEqual([0, before])

  one.client.resume()
  await writing
  await expect
    .poll(() => one.read().slice(-300 * KIB))
    .toBe(Array.from({ length: 300 }, (_, i) => String(i % 10).repeat(KIB)).join(''))
})

test('a connection that is gone takes everything, and nobody waits for it', async () => {
  using one = await connection({ events: 1 })
  fill(one)
  const waiting = one.writer.writeAtLeisure('late')
  one.socket.destroy()
  await waiting
  expect(one.writer.write(Buffer.from('x'), 10)).toBe(true)
  await one.writer.writeAtLeisure('x')
})
