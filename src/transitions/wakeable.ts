/**
 * Work that is done when it is woken, one run at a time. A wake-up while it runs, however late, is followed by
 * another run; any number of them by one. An error goes to `onError` and ends that run only.
 */
export function wakeable(work: () => Promise<void>, onError: (error: unknown) => void) {
  let woken = false
  let running: Promise<void> | undefined

  async function run(): Promise<void> {
    while (woken) {
      woken = false
      await work().catch(onError)
    }
    // In the same turn as the last look at `woken`, so that no wake-up falls between.
    running = undefined
  }

  return {
    /** Returns at once. */
    wake(): void {
      woken = true
      running ??= run()
    },

    /** The runs in progress; undefined when there are none. */
    get running(): Promise<void> | undefined {
      return running
    },
  }
}
