import { copyFile } from 'node:fs/promises'
import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'
import { createInterface } from 'node:readline'

/**
 * A QEMU monitor that has one disk open, with the answers and events that qemu-storage-daemon 7.2 gives. It copies the disk to
 * the target itself, and behaves badly as it is told.
 */
export interface FakeMonitor extends AsyncDisposable {
  /** The commands that it was sent, in order. */
  asked: string[]
  /** How many have connected. */
  clients: () => number
  /** The jobs and the nodes that it has. */
  jobs: Set<string>
  nodes: Map<string, { file: string; ro: boolean; drv?: string }>
}

export interface Manners {
  /** What it sends instead of its greeting; nothing is the greeting, an empty text is silence. */
  greets?: string
  /** Answers of its own to commands, instead of the usual ones; null is silence, 'end' ends the connection. */
  answers?: Record<string, unknown>
  /** What its backups report in the end, beside what is usual. */
  completion?: Record<string, unknown>
  /** Whether its backups ever end by themselves. */
  ends?: boolean
}

const GREETING =
  '{"QMP": {"version": {"qemu": {"micro": 22, "minor": 2, "major": 7}, "package": "Debian 1:7.2+dfsg-7+deb12u18"}, "capabilities": ["oob"]}}'
const COMMANDS = ['blockdev-add', 'blockdev-backup', 'blockdev-del', 'query-block-jobs']

interface Asked {
  execute: string
  id: number
  arguments: Record<string, string>
}

export async function startFakeMonitor(
  path: string,
  disk: { file: string; sizeBytes: number },
  { greets = GREETING, answers = {}, completion = {}, ends = true }: Manners = {},
): Promise<FakeMonitor> {
  const asked: string[] = []
  const jobs = new Set<string>()
  const nodes: FakeMonitor['nodes'] = new Map([
    ['d', { file: disk.file, ro: false, drv: 'raw' }],
    ['f', { file: disk.file, ro: false }],
  ])
  const sockets = new Set<Socket>()

  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => undefined)
    const send = (message: object): unknown => socket.write(`${JSON.stringify(message)}\r\n`)
    const tell = (event: string, data: object): unknown => {
      const nowMs = Date.now()
      const timestamp = { seconds: Math.floor(nowMs / 1000), microseconds: (nowMs % 1000) * 1000 }
      return send({ timestamp, event, data })
    }
    const endJob = (job: string, event: string, more: object): void => {
      jobs.delete(job)
      const length = { len: disk.sizeBytes, offset: disk.sizeBytes }
      tell(event, { device: job, ...length, speed: 0, type: 'backup', ...more })
      tell('JOB_STATUS_CHANGE', { status: 'concluded', id: job })
      tell('JOB_STATUS_CHANGE', { status: 'null', id: job })
    }
    const DOING: Record<string, (args: Record<string, string>) => unknown> = {
      'query-commands': () => COMMANDS.map((name) => ({ name })),
      'query-block-jobs': () =>
        [...jobs].map((device) => ({
          device,
          len: disk.sizeBytes,
          offset: 0,
          status: 'running',
          type: 'backup',
        })),
      'query-named-block-nodes': () =>
        [...nodes].map(([name, { file, ro, drv = 'file' }]) => ({
          ...{ 'node-name': name, drv, ro, file, detect_zeroes: 'off' },
          image: { 'virtual-size': disk.sizeBytes, filename: file, format: drv },
        })),
      'blockdev-add': (args) =>
        void nodes.set(args['node-name'] ?? '', { file: args['filename'] ?? '', ro: false }),
      'blockdev-del': (args) => void nodes.delete(args['node-name'] ?? ''),
      'block-job-cancel': ({ device = '' }) => endJob(device, 'BLOCK_JOB_CANCELLED', { offset: 0 }),
      'blockdev-backup': (args) => {
        const job = args['job-id'] ?? ''
        jobs.add(job)
        tell('JOB_STATUS_CHANGE', { status: 'created', id: job })
        tell('JOB_STATUS_CHANGE', { status: 'running', id: job })
        if (!ends) return
        const target = nodes.get(args['target'] ?? '')?.file ?? ''
        void copyFile(disk.file, target).then(() => endJob(job, 'BLOCK_JOB_COMPLETED', completion))
      },
    }
    if (greets !== '') socket.write(`${greets}\r\n`)
    const lines = createInterface(socket)
    lines.on('error', () => undefined)
    lines.on('line', (line) => {
      const { execute, id, arguments: args } = JSON.parse(line) as Asked
      asked.push(execute)
      const answer = answers[execute]
      if (answer === 'end') return void socket.destroy()
      if (answer === null) return
      if (answer !== undefined) return send({ id, ...answer })
      send({ id, return: DOING[execute]?.(args) ?? {} })
    })
  })
  server.listen(path)
  await once(server, 'listening')
  return {
    asked,
    jobs,
    nodes,
    clients: () => sockets.size,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}
