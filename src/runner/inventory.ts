import type { Logger } from 'pino'
import type { DiskService } from '../services/disks.ts'

/** Looks at all disks again and again, `intervalMs` after the last look has ended. */
export function startInventory({
  disks,
  intervalMs,
  log,
}: {
  disks: DiskService
  intervalMs: number
  log: Logger
}) {
  let timer: NodeJS.Timeout | undefined
  let looking: Promise<void> = Promise.resolve()
  let stopped = false

  function look(): void {
    looking = disks
      .lookAtAll()
      .catch((error: unknown) => log.error({ err: error }, 'the disks could not be looked at'))
      .finally(() => {
        if (!stopped) timer = setTimeout(look, intervalMs)
      })
  }
  look()

  return {
    async [Symbol.asyncDispose](): Promise<void> {
      stopped = true
      clearTimeout(timer)
      await looking
    },
  }
}
