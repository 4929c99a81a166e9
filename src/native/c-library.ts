/**
 * The few C library calls that Node has no name for, on Linux, by koffi, which ships its binaries. A caller does
 * without what is not found: another libc, another system.
 */

type Call = (...args: unknown[]) => number | bigint

const koffi = process.platform === 'linux' ? await import('koffi').catch(() => undefined) : undefined
const library = koffi?.load(null)

/** The function of a C prototype. */
export function find(prototype: string): Call | undefined {
  try {
    return library?.func(prototype) as Call | undefined
  } catch {
    return undefined
  }
}

/** Why the last call failed. */
export function errno(): number | undefined {
  return koffi?.errno()
}

/** The memory at an address. */
export function view(address: bigint, bytes: number): ArrayBuffer | undefined {
  return koffi?.view(address, bytes)
}
