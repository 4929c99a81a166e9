import { setTimeout } from 'node:timers/promises'
import type { Logger } from 'pino'
import { logFault } from '../database/log-fault.ts'
import type { DiskLooks } from '../services/disk-looks.ts'

/** The most of its time that the inventory spends looking; the rest it waits. */
const SHARE = 0.1

export interface InventoryOptions {
  looks: Pick<DiskLooks, 'lookAtLately' | 'lookAtNext'>
  /** How often each disk is looked at, in milliseconds, where that takes no more than a tenth of the time. */
  intervalMs: number
  log: Logger
  /** Tests give their own. */
  clock?: Clock
}

/** A monotonic clock, in milliseconds, and what waits by it. */
interface Clock {
  now: () => number
  wait: (ms: number, signal: AbortSignal) => Promise<void>
}

const CLOCK: Clock = {
  now: () => performance.now(),
  wait: (ms, signal) => setTimeout(ms, undefined, { signal }),
}

/**
 * Looks at all disks again and again. Few disks are looked at every `intervalMs`. Where that would take more than a tenth
 * of the time, the looks are spread: the disks that changed or were asked about lately are still looked at every
 * `intervalMs`, the others as often as that share allows.
 */
export function startInventory({ looks, intervalMs, log, clock = CLOCK }: InventoryOptions) {
  const { now, wait } = clock
  const stopping = new AbortController()

  /** Does a piece of the work, and then waits so that it keeps to its share. */
  async function spread<T>(work: () => Promise<T>): Promise<T> {
    const began = now()
    const result = await work()
    await wait(((now() - began) * (1 - SHARE)) / SHARE, stopping.signal)
    return result
  }

  /** Faults are logged once for each pass, with the disks of the first one that has any. */
  let isLogged = false
  function note(faults: ReadonlyMap<string, Error>): void {
    const [first] = faults.values()
    if (first === undefined || isLogged) return
    isLogged = true
    logFault(log, first, 'some disks could not be looked at', { diskIds: [...faults.keys()].slice(0, NAMED) })
  }

  /** When the recent disks were looked at last: a pass looks at them too, so a short one need not. */
  let recent = now()

  /** Looks at all disks once, and every `intervalMs` at the recent ones. */
  async function look(): Promise<void> {
    isLogged = false
    for (let after: string | undefined = ''; after !== undefined;) {
      const from: string = after
      const { next, faults } = await spread(() => looks.lookAtNext(from))
      note(faults)
      after = next
      if (now() - recent < intervalMs) continue
      recent = now()
      note(await spread(() => looks.lookAtLately()))
    }
  }

  async function run(): Promise<void> {
    while (!stopping.signal.aborted) {
      const began = now()
      await look().catch((error: unknown) => {
        if (!stopping.signal.aborted) logFault(log, error, 'the disks could not be looked at')
      })
      await wait(Math.max(intervalMs - (now() - began), MIN_PAUSE_MS), stopping.signal).catch(() => undefined)
    }
  }
  const running = run()

  return {
    async [Symbol.asyncDispose](): Promise<void> {
      stopping.abort()
      await running
    },
  }
}

/** The most disks that one line of the log names. */
const NAMED = 10

/** Between two passes there is always a pause, also when they fail at once. */
const MIN_PAUSE_MS = 50
