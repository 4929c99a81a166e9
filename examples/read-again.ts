/**
 * Returns a function that reads again. Clients join a query that is in flight, whose answer may be older than the event: it is read
 * once more after that, and again after a failure, until the last answer is newer than the last event.
 */
export function readAgain(read: () => Promise<unknown>): () => void {
  let isWanted = false
  let isReading = false
  async function run(): Promise<void> {
    isReading = true
    while (isWanted) {
      isWanted = false
      await read().catch(async () => {
        isWanted = true
        await new Promise((resolve) => setTimeout(resolve, 1_000))
      })
    }
    isReading = false
  }
  return () => {
    isWanted = true
    if (!isReading) void run()
  }
}
