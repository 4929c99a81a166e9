import { execFileSync } from 'node:child_process'
import { mkdir } from 'node:fs/promises'

/** Real file systems and devices, made by a test. Where that is not permitted, such tests are skipped. */

/** Whether a shell script succeeds here. */
export function works(script: string): boolean {
  try {
    execFileSync('sh', ['-ec', script], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

/** Runs a command and returns what it prints. */
export const run = (command: string, ...args: string[]): string =>
  execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }).trim()

export const canMount = works('d=$(mktemp -d); trap "rmdir $d" EXIT; mount -t tmpfs tmpfs $d; umount $d')

export const canLoop = works(
  'f=$(mktemp); trap "rm $f" EXIT; truncate -s 1M $f; losetup --detach $(losetup --find --show $f)',
)

/** Whether a file system of this type can be made and mounted. */
export const canMake = (type: string): boolean =>
  canMount && canLoop && works(`command -v mkfs.${type}; grep -qw ${type} /proc/filesystems`)

/** Mounts until it is disposed. */
export function mounted(directory: string, ...args: string[]): Disposable {
  run('mount', ...args, directory)
  return { [Symbol.dispose]: () => run('umount', directory) }
}

/** A new file system of this type at a directory that is made for it, in an image of this many MiB beside it. */
export async function madeFileSystem(
  type: string,
  directory: string,
  sizeMiB = 512,
  ...options: string[]
): Promise<Disposable> {
  await mkdir(directory)
  run('truncate', '--size', `${sizeMiB}M`, `${directory}.volume`)
  run(`mkfs.${type}`, ...options, `${directory}.volume`)
  return mounted(directory, '-o', 'loop', `${directory}.volume`)
}

/** A loop device on a file, until it is disposed. */
export function loopDevice(path: string): Disposable & { device: string } {
  const device = run('losetup', '--find', '--show', path)
  return { device, [Symbol.dispose]: () => run('losetup', '--detach', device) }
}
