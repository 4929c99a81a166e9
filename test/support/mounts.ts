import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Whether file systems can be mounted here: as root on Linux, outside of most containers. */
export const CAN_MOUNT = (() => {
  try {
    mountTmpfs('64k')[Symbol.dispose]()
    return true
  } catch {
    return false
  }
})()

/** A file system of its own in memory, of this size. */
export function mountTmpfs(size: string): Disposable & { path: string } {
  const path = mkdtempSync(join(tmpdir(), 'snapgate-mount-'))
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', path], { stdio: 'pipe' })
  } catch (error) {
    rmdirSync(path)
    throw error
  }
  return { path, [Symbol.dispose]: () => unmount(path) }
}

/** Mounts a folder over itself, read-only: what is opened from now on cannot be written. */
export function coverReadOnly(path: string): Disposable {
  execFileSync('mount', ['--bind', path, path])
  execFileSync('mount', ['-o', 'remount,ro,bind', path])
  return { [Symbol.dispose]: () => execFileSync('umount', ['--lazy', path]) }
}

function unmount(path: string): void {
  execFileSync('umount', ['--lazy', path])
  rmdirSync(path)
}
