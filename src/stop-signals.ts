import { constants } from 'node:os'
import process from 'node:process'
import { exitAtOnce } from './native/exit.ts'

/** What ends a service, and what Ctrl-C sends. */
const STOP_SIGNALS = ['SIGTERM', 'SIGINT'] as const

/**
 * Signals this close to the first one, in milliseconds, are the same wish: Ctrl-C under npm arrives from the terminal and
 * once more from npm.
 */
const REPEAT_MS = 1_000

/**
 * Calls back at the first signal to stop. One that comes later than `REPEAT_MS` after it ends the process at once. SIGHUP,
 * which a closed terminal sends, is one of them unless it reloads.
 */
export function onStopSignal(stop: (signal: NodeJS.Signals) => void, reload?: () => void): void {
  let stoppingSince: number | undefined
  if (reload) process.on('SIGHUP', reload)
  for (const signal of reload ? STOP_SIGNALS : ([...STOP_SIGNALS, 'SIGHUP'] as const)) {
    process.on(signal, () => {
      if (stoppingSince === undefined) {
        stoppingSince = performance.now()
        stop(signal)
      } else if (performance.now() - stoppingSince > REPEAT_MS) {
        exitAtOnce(128 + constants.signals[signal])
      }
    })
  }
}

/**
 * Has a write beyond the largest file size that the process may write (`ulimit -f`) fail with EFBIG, as one on a full disk
 * fails: without a handler, SIGXFSZ ends the process.
 */
export function surviveFileSizeLimit(): void {
  process.on('SIGXFSZ', () => undefined)
}
