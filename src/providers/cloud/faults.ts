/**
 * Why a call has no answer to go by. `PASSING`: nothing was done, and it may be asked again. `UNCLEAR`: it may have been
 * done, so it is looked for before it is asked again. `UNREACHABLE`: no connection, so nothing was done.
 */
export type FaultClass = 'PASSING' | 'THROTTLED' | 'UNCLEAR' | 'CREDENTIALS' | 'CLOCK' | 'UNREACHABLE'

export interface FaultFacts {
  /** The cloud's own code, or that of the failed connection. */
  code: string
  requestId?: string | null
  /** How long the cloud asks to be left alone. */
  retryAfterMs?: number | undefined
  /** How far the cloud's clock is ahead of ours. */
  clockOffsetMs?: number | undefined
}

/** The cloud gave no answer to go by. The message has no secret in it, and can be shown. */
export class CloudFault extends Error {
  override readonly name = 'CloudFault'
  readonly class: FaultClass
  readonly code: string
  readonly requestId: string | null
  readonly retryAfterMs: number | undefined
  readonly clockOffsetMs: number | undefined

  constructor(faultClass: FaultClass, message: string, facts: FaultFacts) {
    super(message)
    this.class = faultClass
    this.code = facts.code
    this.requestId = facts.requestId ?? null
    this.retryAfterMs = facts.retryAfterMs
    this.clockOffsetMs = facts.clockOffsetMs
  }
}

/** The cloud no longer knows where a list was left off: the list is read from its beginning. */
export class CursorRefused extends Error {
  override readonly name = 'CursorRefused'
}
