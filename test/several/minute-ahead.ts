/** Has the clock of this process, and of its threads, show a minute more than that of the machine. */
const now = Date.now.bind(Date)

class AheadDate extends Date {
  constructor(...parts: [] | ConstructorParameters<typeof Date>) {
    if (parts.length === 0) super(AheadDate.now())
    else super(...parts)
  }

  static override now(): number {
    return now() + 60_000
  }
}

globalThis.Date = AheadDate as DateConstructor
