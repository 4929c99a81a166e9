/** The client fell too far behind: its buffer is full, and the stream ended rather than dropping anything. */
export class SlowConsumer extends Error {
  constructor(limit: number) {
    super(
      `The stream fell more than ${limit} events behind and was ended. Resume from the last cursor you have seen.`,
    )
  }
}
