import { setTimeout as pause } from 'node:timers/promises'

/** Ends long-lived connections one after the other over a window, so that their clients don't all come back at once. */
export async function spread(endings: readonly (() => void)[], windowMs: number): Promise<void> {
  const start = performance.now()
  for (const [index, end] of endings.entries()) {
    const early = start + (index / endings.length) * windowMs - performance.now()
    if (early > 0) await pause(early)
    end()
  }
}
