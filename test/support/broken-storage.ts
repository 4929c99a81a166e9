import fs from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'
import { join, sep } from 'node:path'

/**
 * Storage that answers calls with an error. What is replaced are the functions of Node: what the gateway does with their
 * errors is as it is.
 */

const FILE_CALLS = [
  ...['link', 'lstat', 'mkdir', 'open', 'readdir', 'readlink', 'realpath', 'rename', 'rm', 'rmdir', 'stat'],
  ...['statfs', 'unlink'],
] as const
const originals: Record<string, unknown> = Object.fromEntries(FILE_CALLS.map((call) => [call, fs[call]]))
const { readlink } = fs

/** The same for a file that is open. */
const HANDLE_CALLS = ['chmod', 'readFile', 'stat', 'sync', 'truncate', 'writeFile'] as const
const handles = await (async () => {
  await using handle = await fs.open(import.meta.filename)
  return Object.getPrototypeOf(handle) as Record<
    string,
    (this: { fd: number }, ...args: unknown[]) => unknown
  >
})()
const handleOriginals = Object.fromEntries(HANDLE_CALLS.map((call) => [call, handles[call]]))

export const ALL_CALLS = [...FILE_CALLS, ...HANDLE_CALLS]
type Call = (typeof ALL_CALLS)[number]

/** From now on these calls fail on a file, or on a directory and everything below it. */
export function breakStorage(place: string, calls: readonly Call[], code: string): void {
  async function check(call: Call, name: unknown): Promise<void> {
    const path = await pathOf(name)
    if (path !== place && !path.startsWith(place + sep)) return
    throw Object.assign(new Error(`${code}: made by the test, ${call}`), { code, syscall: call })
  }
  for (const call of calls) {
    const original = originals[call] as ((...args: unknown[]) => unknown) | undefined
    if (original)
      Object.assign(fs, {
        [call]: (...args: unknown[]) => check(call, args[0]).then(() => original(...args)),
      })
    const ofHandle = handleOriginals[call]
    if (ofHandle)
      handles[call] = async function (...args) {
        await check(call, `/proc/self/fd/${this.fd}`)
        return ofHandle.apply(this, args)
      }
  }
  syncBuiltinESMExports()
}

export function repairStorage(): void {
  Object.assign(fs, originals)
  Object.assign(handles, handleOriginals)
  syncBuiltinESMExports()
}

/** Where a file, or a name in a directory, is that is open. */
async function pathOf(argument: unknown): Promise<string> {
  const path = String(argument)
  const [, open, rest = ''] = /^(\/proc\/self\/fd\/\d+)(\/.*)?$/.exec(path) ?? []
  return open === undefined ? path : join(await readlink(open), rest || '.')
}
