/**
 * The few C library calls that Node has no name for, on Linux, by koffi, which ships its binaries. A caller does
 * without what is not found: another libc, another system.
 */

interface Call {
  (...args: unknown[]): number | bigint
  /** Calls on a thread of its own; the last argument takes the result. `errno` is not known then. */
  async: (...args: unknown[]) => void
}

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

/** Names a C structure for the prototypes that follow: its fields with their types, in order. */
export function struct(name: string, fields: Record<string, string>): void {
  try {
    koffi?.struct(name, fields)
  } catch {
    // Prototypes with it are not found then.
  }
}

/** Why the last call failed. */
export function errno(): number | undefined {
  return koffi?.errno()
}

/** The result of a call that may block, made on another thread. */
export function inBackground(call: Call, ...args: unknown[]): Promise<number | bigint> {
  return new Promise((resolve, reject) => {
    call.async(...args, (error: Error | null, result: number | bigint) =>
      error ? reject(error) : resolve(result),
    )
  })
}
