const departing: (() => void)[] = []

/**
 * Sends an answer when all that has arrived in this round of the event loop has been dealt with, together with others.
 * Answers that are sent one close behind the other cost less than with work in between, because their readers then need
 * not be woken for each of them.
 */
export function atEndOfRound(send: () => void): void {
  if (departing.push(send) === 1) setImmediate(() => departing.splice(0).forEach((one) => one()))
}
