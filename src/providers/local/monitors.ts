import { randomBytes } from 'node:crypto'
import { readdir, readlink, stat } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { z } from 'zod'
import type { Work } from '../provider.ts'
import type { DiskFile } from './disk-file.ts'
import { codeOf, PassingFault } from './faults.ts'
import { identityOf } from './occupancy.ts'
import { connectMonitor, Declined, NOTHING, type Monitor, type QmpEvent } from './qmp.ts'

/**
 * The monitors of QEMU processes, which can copy a disk while they write to it: before a block is overwritten for the first
 * time, its old content goes to the copy. Whatever a gateway leaves in QEMU when it is killed has names of its own, and is
 * removed by the next one that connects: a monitor has one client at a time.
 */

const JOB_PREFIX = 'snapgate.'
const NODE_PREFIX = 'snapgate-'
const POLL_MS = 200
/** How long a backup may copy nothing before it is cancelled, in milliseconds. */
const STALL_MS = 60_000
/** How long a cancelled job may take to end, in milliseconds. */
const CANCEL_MS = 10_000

const Nodes = z.array(
  z.object({
    'node-name': z.string(),
    drv: z.string(),
    ro: z.boolean(),
    file: z.string(),
    image: z.object({ 'virtual-size': z.number() }),
  }),
)
const Jobs = z.array(z.object({ device: z.string(), offset: z.number() }))
const FdSet = z.object({ 'fdset-id': z.int() })

/** A disk that a QEMU process has open for writing; the connection is kept until it is disposed. */
export interface HeldDisk extends Disposable {
  monitor: Monitor
  node: string
}

export interface FoundDisk {
  held?: HeldDisk
  /** The code of the error for which one of the monitors could not be asked. */
  unasked?: string | undefined
}

export interface Monitors {
  /** Finds the QEMU process that has a disk open: the only one that says so. */
  find: (disk: DiskFile) => Promise<FoundDisk>
  /** Begins to remove what killed gateways have left in the QEMU processes, unless that is in progress. Returns at once. */
  sweep: () => void
}

export function createMonitors(paths: readonly string[]): Monitors {
  const links = new Map<string, { monitor: Promise<Monitor>; users: number }>()
  let sweeping: Promise<unknown> | undefined

  /** The connection to a monitor, shared by all who use it at the same time. */
  async function use(path: string): Promise<Disposable & { monitor: Monitor }> {
    const link = links.get(path) ?? { monitor: connected(path), users: 0 }
    links.set(path, link)
    link.users++
    const leave = (): void => {
      if (--link.users > 0) return
      if (links.get(path) === link) links.delete(path)
      link.monitor.then((monitor) => monitor[Symbol.dispose]()).catch(() => undefined)
    }
    try {
      const monitor = await link.monitor
      if (!monitor.isEnded) return { monitor, [Symbol.dispose]: leave }
      if (links.get(path) === link) links.delete(path)
      throw new PassingFault('ECONNRESET', 'A monitor closed its connection.')
    } catch (error) {
      leave()
      throw error
    }
  }

  async function findAt(path: string, disk: DiskFile): Promise<HeldDisk | undefined> {
    using stack = new DisposableStack()
    const { monitor } = stack.use(await use(path))
    const node = await nodeOf(monitor, disk)
    if (node === undefined) return undefined
    const kept = stack.move()
    return { monitor, node, [Symbol.dispose]: () => kept.dispose() }
  }

  return {
    async find(disk) {
      using stack = new DisposableStack()
      const found: HeldDisk[] = []
      let unasked: string | undefined
      await Promise.all(
        (await socketsAt(paths)).map(async (path) => {
          try {
            const held = await findAt(path, disk)
            if (held) found.push(stack.use(held))
          } catch (error) {
            const code = error instanceof Declined ? 'EPROTO' : codeOf(error)
            if (!NOT_RUNNING.has(code)) unasked = code ?? 'EIO'
          }
        }),
      )
      const [held] = found
      // Two that write to one disk do not tell each other what they overwrite.
      if (!held || found.length > 1) return unasked === undefined ? {} : { unasked }
      const kept = stack.move()
      return { held: { ...held, [Symbol.dispose]: () => kept.dispose() } }
    },
    sweep() {
      sweeping ??= socketsAt(paths)
        .then((sockets) =>
          Promise.allSettled(sockets.map((path) => use(path).then((link) => link[Symbol.dispose]()))),
        )
        .finally(() => (sweeping = undefined))
    },
  }
}

/** What connecting says of a monitor whose QEMU is not running. */
const NOT_RUNNING: ReadonlySet<string | undefined> = new Set(['ENOENT', 'ECONNREFUSED', 'ENOTSOCK'])

/** The sockets that the paths name: themselves, or what is in the directories that they are. */
async function socketsAt(paths: readonly string[]): Promise<string[]> {
  const found = await Promise.all(
    paths.map(async (path) => {
      const names = await readdir(path, { withFileTypes: true }).catch(() => undefined)
      return names?.filter((entry) => entry.isSocket()).map(({ name }) => join(path, name)) ?? [path]
    }),
  )
  return [...new Set(found.flat())]
}

async function connected(path: string): Promise<Monitor> {
  const monitor = await connectMonitor(path)
  try {
    await removeLeft(monitor)
    return monitor
  } catch (error) {
    monitor[Symbol.dispose]()
    throw error
  }
}

async function removeLeft(monitor: Monitor): Promise<void> {
  const jobs = await monitor.execute(Jobs, 'query-block-jobs')
  for (const { device } of jobs) if (device.startsWith(JOB_PREFIX)) await cancelled(monitor, device)
  const nodes = await monitor.execute(Nodes, 'query-named-block-nodes', { flat: true })
  for (const { 'node-name': node } of nodes) if (node.startsWith(NODE_PREFIX)) await removeNode(monitor, node)
}

/**
 * The node by which QEMU reads and writes the file or device itself, if it gives the disk to the guest as it is. The file of
 * another format, such as qcow2, grows while it is in use, which a backup of it forbids: QEMU 7.2 refuses it or closes the connection.
 */
async function nodeOf(monitor: Monitor, disk: DiskFile): Promise<string | undefined> {
  const itself: z.infer<typeof Nodes> = []
  const formats = new Set<string>()
  for (const node of await monitor.execute(Nodes, 'query-named-block-nodes', { flat: true })) {
    const there = await stat(node.file, { bigint: true }).catch(() => undefined)
    if (!there || identityOf(there) !== identityOf(disk.stat)) continue
    if (node.drv === 'file' || node.drv === 'host_device') itself.push(node)
    else formats.add(node.drv)
  }
  const [node] = itself
  if (!node || itself.length > 1 || node.ro || formats.size !== 1 || !formats.has('raw')) return undefined
  return BigInt(node.image['virtual-size']) === disk.sizeBytes ? node['node-name'] : undefined
}

/** Cancels a job and waits for its end; does nothing when it has ended. */
async function cancelled(monitor: Monitor, job: string): Promise<void> {
  await monitor.execute(NOTHING, 'block-job-cancel', { device: job, force: true }).catch(unlessDeclined)
  const until = performance.now() + CANCEL_MS
  while ((await monitor.execute(Jobs, 'query-block-jobs')).some(({ device }) => device === job)) {
    if (performance.now() > until) throw new PassingFault('ETIMEDOUT', 'QEMU does not cancel a backup.')
    await pause(POLL_MS)
  }
}

async function removeNode(monitor: Monitor, node: string): Promise<void> {
  await monitor.execute(NOTHING, 'blockdev-del', { 'node-name': node }).catch(unlessDeclined)
}

/** After this, QEMU does not have the copy open any more. */
async function closeTarget(monitor: Monitor, node: string): Promise<void> {
  await monitor.execute(NOTHING, 'blockdev-del', { 'node-name': node }).catch((error: unknown) => {
    throw error instanceof Declined ? new PassingFault('EBUSY', error.message) : error
  })
}

function unlessDeclined(error: unknown): void {
  if (!(error instanceof Declined)) throw error
}

/**
 * Has QEMU copy a disk into an empty image of the same size, whose blocks are reserved: a write of the guest fails when what
 * it would overwrite cannot be kept. Returns the moment whose data the copy holds, in milliseconds since the epoch. Throws
 * Declined when QEMU cannot do it; whatever happens, no job stays behind while the monitor answers.
 */
export async function backUp(
  { monitor, node }: HeldDisk,
  { image, sizeBytes, onProgress, signal }: Work & { image: FileHandle; sizeBytes: number },
): Promise<number> {
  const name = randomBytes(6).toString('hex')
  const [job, target] = [`${JOB_PREFIX}${name}`, `${NODE_PREFIX}${name}`]
  await using stack = new AsyncDisposableStack()
  const filename = await handOver(monitor, image, stack)
  signal.throwIfAborted()
  const zeros = { discard: 'unmap', 'detect-zeroes': 'unmap' }
  await monitor.execute(NOTHING, 'blockdev-add', { driver: 'file', filename, 'node-name': target, ...zeros })
  stack.defer(() => closeTarget(monitor, target))
  const ending = watchJob(monitor, { job, sizeBytes, onProgress, signal })
  stack.use(ending)
  stack.defer(() => (ending.isEnded() ? undefined : cancelled(monitor, job)))
  const sentAt = Date.now()
  await monitor.execute(NOTHING, 'blockdev-backup', {
    ...{ 'job-id': job, device: node, target, sync: 'full' },
    ...{ 'auto-finalize': true, 'auto-dismiss': true },
  })
  const startedAt = Date.now()
  await ending.wait()
  return Math.min(Math.max(ending.createdAt() ?? startedAt, sentAt), startedAt)
}

/** Gives QEMU the open image; by its path where it takes no open files, which works when both run as one user. */
async function handOver(monitor: Monitor, image: FileHandle, stack: AsyncDisposableStack): Promise<string> {
  if (!monitor.commands.has('add-fd')) return readlink(`/proc/self/fd/${image.fd}`)
  const { 'fdset-id': set } = await monitor.execute(FdSet, 'add-fd', { opaque: 'snapgate' }, image.fd)
  stack.defer(() =>
    monitor.execute(NOTHING, 'remove-fd', { 'fdset-id': set }).then(() => undefined, unlessDeclined),
  )
  return `/dev/fdset/${set}`
}

/** Follows a job by its events, which tell its end, and by its progress, without which it is given up. */
function watchJob(
  monitor: Monitor,
  { job, sizeBytes, onProgress, signal }: Work & { job: string; sizeBytes: number },
) {
  const end = Promise.withResolvers<undefined>()
  end.promise.catch(() => undefined)
  let isEnded = false
  let createdAt: number | undefined
  const onEvent = ({ name, data, atMs }: QmpEvent): void => {
    if (name === 'JOB_STATUS_CHANGE' && data['id'] === job && data['status'] === 'created') createdAt = atMs
    if (data['device'] !== job) return
    if (name === 'BLOCK_JOB_CANCELLED') {
      isEnded = true
      end.reject(new PassingFault('ECANCELED', 'The backup was cancelled in QEMU.'))
    } else if (name === 'BLOCK_JOB_COMPLETED') {
      isEnded = true
      const { error, len, offset } = data
      if (typeof error === 'string') end.reject(failure(error))
      else if (len === sizeBytes && offset === sizeBytes) end.resolve(undefined)
      else end.reject(new PassingFault('EPROTO', 'QEMU reports a complete backup of another size.'))
    }
  }
  const stopListening = monitor.listen(onEvent)
  const onAbort = (): void => end.reject(signal.reason)
  signal.addEventListener('abort', onAbort)

  async function poll(): Promise<void> {
    let [last, since] = [-1, performance.now()]
    while (!isEnded && !signal.aborted) {
      const jobs = await monitor.execute(Jobs, 'query-block-jobs')
      const offset = jobs.find(({ device }) => device === job)?.offset
      if (offset !== undefined && offset > last) {
        ;[last, since] = [offset, performance.now()]
        onProgress(Math.min(offset, sizeBytes), sizeBytes)
      }
      if (performance.now() - since > STALL_MS)
        throw new PassingFault('ETIMEDOUT', 'The backup in QEMU does not advance.')
      await Promise.race([end.promise, pause(POLL_MS)])
    }
  }

  return {
    isEnded: () => isEnded,
    createdAt: () => createdAt,
    async wait() {
      poll().catch(end.reject)
      await end.promise
      onProgress(sizeBytes, sizeBytes)
    },
    [Symbol.dispose]() {
      stopListening()
      signal.removeEventListener('abort', onAbort)
    },
  }
}

/** Why a backup has failed, by QEMU's text: as the error of the system that it names, if its end says so. */
function failure(text: string): Error {
  if (/No space left on device$/.test(text)) return Object.assign(new Error(text), { code: 'ENOSPC' })
  if (/Disk quota exceeded$/.test(text)) return Object.assign(new Error(text), { code: 'EDQUOT' })
  return new Declined(text)
}
