/** Between two attempts, in milliseconds: from the first, doubling, to the last, each with up to half more. */
const FIRST_MS = 250
const LAST_MS = 8_000

/** How long to wait after this many failures in a row, in milliseconds: spread, so that clients do not return at once. */
export function spread(failures: number): number {
  return Math.min(FIRST_MS * 2 ** failures, LAST_MS) * (1 + Math.random() / 2)
}

/** Resolves after the delay, or when the signal says that nobody waits any more. */
export function pause(delayMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(finish, delayMs)
    function finish(): void {
      clearTimeout(timer)
      signal.removeEventListener('abort', finish)
      resolve()
    }
    signal.addEventListener('abort', finish)
  })
}
