import { connect, type Socket } from 'node:net'
import { z } from 'zod'
import { sendWithFile } from '../../native/sockets.ts'
import { PassingFault } from './faults.ts'

/**
 * A client of QMP, the protocol of QEMU's monitors: one JSON value a line over a unix socket. A monitor serves one client at a
 * time; the next one connects and waits for the greeting. A monitor that does not answer in time, or not in QMP, is left.
 */

/** How long a monitor may take to greet, and to answer a command, in milliseconds. */
const GREETING_MS = 3_000
const ANSWER_MS = 10_000
/** The longest line: what describes a thousand disks has about 1 MiB. */
const LINE_BYTES_MAX = 8 * 1024 * 1024

/** QEMU answered a command with an error. */
export class Declined extends Error {}

const Message = z.union([
  z.object({ QMP: z.object({}) }),
  z.object({
    event: z.string(),
    data: z.record(z.string(), z.unknown()).default({}),
    timestamp: z.object({ seconds: z.number(), microseconds: z.number() }),
  }),
  z.object({ id: z.int(), return: z.unknown() }),
  z.object({ id: z.int(), error: z.object({ desc: z.string() }) }),
])

export interface QmpEvent {
  name: string
  data: Record<string, unknown>
  atMs: number
}

export interface Monitor extends Disposable {
  /** The commands that this QEMU knows. */
  commands: ReadonlySet<string>
  /** Whether the connection has ended. */
  readonly isEnded: boolean
  /** Resolves with the answer; rejects with Declined, or with a passing fault that has ended the connection. */
  execute: <T>(answer: z.ZodType<T>, command: string, args?: object, file?: number) => Promise<T>
  /** Calls with each event until the function that it returns is called. */
  listen: (listener: (event: QmpEvent) => void) => () => void
}

export const NOTHING = z.unknown()
const COMMANDS = z.array(z.object({ name: z.string() }))

/** Connects to the monitor at a path and waits until it takes commands. */
export async function connectMonitor(path: string): Promise<Monitor> {
  const socket = connect({ path }).unref()
  const link = startLink(socket)
  try {
    await within(GREETING_MS, link.greeted.promise)
    await link.execute(NOTHING, 'qmp_capabilities')
    const commands = await link.execute(COMMANDS, 'query-commands')
    return Object.assign(link.monitor, { commands: new Set(commands.map(({ name }) => name)) })
  } catch (error) {
    link.end(error as Error)
    throw error
  }
}

function startLink(socket: Socket) {
  const greeted = Promise.withResolvers<undefined>()
  greeted.promise.catch(() => undefined)
  const waiting = new Map<number, PromiseWithResolvers<unknown>>()
  const listeners = new Set<(event: QmpEvent) => void>()
  let lastId = 0
  let fault: Error | undefined

  const end = (why: Error): void => {
    fault ??= why
    socket.destroy()
    greeted.reject(fault)
    for (const { reject } of waiting.values()) reject(fault)
    waiting.clear()
  }

  const take = (line: string): void => {
    const message = Message.parse(JSON.parse(line))
    if ('QMP' in message) {
      greeted.resolve(undefined)
      return
    }
    if ('event' in message) {
      const { event: name, data, timestamp } = message
      const atMs = timestamp.seconds * 1000 + timestamp.microseconds / 1000
      for (const listener of listeners) listener({ name, data, atMs })
      return
    }
    const asked = waiting.get(message.id)
    waiting.delete(message.id)
    if ('error' in message) asked?.reject(new Declined(message.error.desc))
    else asked?.resolve(message.return)
  }

  linesOf(socket, (line) => {
    try {
      take(line)
    } catch (cause) {
      end(Object.assign(new PassingFault('EPROTO', 'A monitor does not speak QMP.'), { cause }))
    }
  })
    .on('error', end)
    .on('close', () => end(new PassingFault('ECONNRESET', 'A monitor closed its connection.')))

  async function execute<T>(answer: z.ZodType<T>, command: string, args = {}, file?: number): Promise<T> {
    if (fault !== undefined) throw fault
    const id = ++lastId
    const asked = Promise.withResolvers<unknown>()
    waiting.set(id, asked)
    const line = Buffer.from(`${JSON.stringify({ execute: command, arguments: args, id })}\n`)
    if (file === undefined) socket.write(line)
    else if (!sendWithFile(socket, line, file))
      end(new PassingFault('EIO', 'A file cannot be handed to QEMU.'))
    try {
      const found = answer.safeParse(await within(ANSWER_MS, asked.promise))
      if (found.success) return found.data
      throw new PassingFault('EPROTO', `The answer of a monitor to ${command} has another form.`)
    } catch (error) {
      if (!(error instanceof Declined)) end(error as Error)
      throw error
    }
  }

  const monitor = {
    get isEnded() {
      return fault !== undefined
    },
    execute,
    listen(listener: (event: QmpEvent) => void) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    [Symbol.dispose]: () => end(new PassingFault('ECANCELED', 'The connection to a monitor is closed.')),
  }
  return { greeted, execute, end, monitor }
}

/** Calls with each line. One that is too long ends the connection. */
function linesOf(socket: Socket, onLine: (line: string) => void): Socket {
  let parts: Buffer[] = []
  let length = 0
  return socket.on('data', (bytes: Buffer) => {
    let from = 0
    for (let at; (at = bytes.indexOf(10, from)) >= 0; from = at + 1) {
      onLine(Buffer.concat([...parts, bytes.subarray(from, at)]).toString())
      parts = []
      length = 0
    }
    parts.push(bytes.subarray(from))
    length += bytes.length - from
    if (length > LINE_BYTES_MAX)
      socket.destroy(new PassingFault('EPROTO', 'A line of a monitor is too long.'))
  })
}

async function within<T>(ms: number, promise: Promise<T>): Promise<T> {
  const late = Promise.withResolvers<never>()
  const timer = setTimeout(() => late.reject(new PassingFault('ETIMEDOUT', 'A monitor does not answer.')), ms)
  try {
    return await Promise.race([promise, late.promise])
  } finally {
    clearTimeout(timer)
  }
}
