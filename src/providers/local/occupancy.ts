import type { BigIntStats } from 'node:fs'
import { readdirSync, readlinkSync } from 'node:fs'
import { readdir, readFile, stat } from 'node:fs/promises'
import { setImmediate } from 'node:timers/promises'
import { deviceName } from './disk-file.ts'
import { absent } from './faults.ts'

/** How many open files are looked at together: enough to keep busy, too few to crowd out other file work. */
const BATCH = 16

/** For how long, in milliseconds, the event loop does nothing else. */
const TURN_MS = 2

/** The identity by which the users of a disk are found, regardless of its names. */
export function identityOf(stat: BigIntStats): string {
  return stat.isBlockDevice() ? deviceName(stat.rdev) : `file ${stat.dev.toString()}:${stat.ino.toString()}`
}

/**
 * The identities of all files and block devices that someone other than this process uses now: open in another
 * process, behind a loop device, mounted, or part of another device. Users that the system hides from this process
 * (other users' processes, unless it is privileged; other machines) are not seen; without /proc, none are.
 */
export const findOccupied = shared(async (): Promise<ReadonlySet<string>> => {
  const occupied = new Set<string>()
  await addOpenFiles(occupied)
  await addLoopFiles(occupied)
  await addClaimedDevices(occupied)
  return occupied
})

/** Calls that come together share one run; each gets a run that began after its call. */
function shared<T>(work: () => Promise<T>): () => Promise<T> {
  let running: Promise<T> | undefined
  let next: Promise<T> | undefined
  const run = () => {
    next = undefined
    running = work().finally(() => (running = undefined))
    return running
  }
  return () => {
    if (running === undefined) return run()
    next ??= running.then(run, run)
    return next
  }
}

async function addOpenFiles(occupied: Set<string>): Promise<void> {
  const others = (await list('/proc')).filter((name) => /^\d+$/.test(name) && name !== String(process.pid))
  let since = performance.now()
  for (const pid of others) {
    const links = openFiles(`/proc/${pid}/fd`)
    for (let from = 0; from < links.length; from += BATCH) {
      await Promise.all(links.slice(from, from + BATCH).map((link) => addPath(occupied, link)))
    }
    if (performance.now() - since < TURN_MS) continue
    await setImmediate()
    since = performance.now()
  }
}

/**
 * The links to what a process has open that may be a disk. Pipes, sockets and terminals are told by their names, without
 * touching them. Not asynchronous, because the kernel answers this from memory, in a tenth of the time that waiting for
 * it costs; what the links lead to may be anywhere, and is waited for.
 */
function openFiles(folder: string): string[] {
  const links = atHand(() => readdirSync(folder)) ?? []
  return links
    .map((file) => `${folder}/${file}`)
    .filter((link) => MAY_BE_A_DISK.test(atHand(() => readlinkSync(link)) ?? ''))
}

const MAY_BE_A_DISK = /^\/(?!dev\/(null|zero|u?random|tty|ptmx|pts\/))/

async function addPath(occupied: Set<string>, path: string): Promise<void> {
  const found = await stat(path, { bigint: true }).catch(absent)
  if (found?.isFile() || found?.isBlockDevice()) occupied.add(identityOf(found))
}

async function addLoopFiles(occupied: Set<string>): Promise<void> {
  for (const device of await list('/sys/block')) {
    if (!device.startsWith('loop')) continue
    const file = await text(`/sys/block/${device}/loop/backing_file`)
    if (file !== '') await addPath(occupied, file)
  }
}

async function addClaimedDevices(occupied: Set<string>): Promise<void> {
  const claimed = new Set<string>()
  for (const mount of (await text('/proc/self/mountinfo')).split('\n')) {
    const [, , device = '', ...rest] = mount.split(' ')
    claimed.add(device)
    // Some file systems (btrfs) have a device number of their own; these tell their device by its path.
    const source = rest[rest.indexOf('-') + 2]
    if (source?.startsWith('/dev/')) await addPath(claimed, source)
  }
  for (const device of await list('/sys/block')) {
    for (const part of await list(`/sys/block/${device}/slaves`)) {
      claimed.add(await text(`/sys/block/${device}/slaves/${part}/dev`))
    }
  }
  for (const device of claimed) {
    occupied.add(device)
    if ((await text(`/sys/dev/block/${device}/partition`)) === '') continue
    occupied.add(await text(`/sys/dev/block/${device}/../dev`))
  }
}

/**
 * Processes and devices come and go while they are looked at: what is gone is empty. A shortage is thrown, or a disk in use
 * would count as free.
 */
function atHand<T>(look: () => T): T | undefined {
  try {
    return look()
  } catch (error) {
    absent(error)
    return
  }
}
const list = async (dir: string): Promise<string[]> => (await readdir(dir).catch(absent)) ?? []
const text = async (file: string): Promise<string> =>
  (await readFile(file, 'utf8').catch(absent))?.trim() ?? ''
