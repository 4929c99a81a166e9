import type { ErrorCode } from './generated/schema.ts'

/** An error of the gateway, as GraphQL has it. */
export interface Failure {
  message: string
  extensions?: { code?: ErrorCode; resetAt?: string; [fact: string]: unknown } | undefined
}

export interface Outcome {
  /** What to do: try again, try again with a new credential, or give up. */
  kind: 'RETRY' | 'REFUSED' | 'FINAL'
  code: ErrorCode | undefined
  /** When the budget that is exhausted is renewed, in milliseconds since 1970. */
  notBefore?: number
}

/** Those that pass: with a new list, or with time. */
const RETRIED: ReadonlySet<ErrorCode> = new Set([
  'CURSOR_EXPIRED',
  'SLOW_CONSUMER',
  'RATE_LIMITED',
  'TOO_MANY_CONNECTIONS',
  'TOO_MANY_OPERATIONS',
  'REQUEST_TIMEOUT',
  'OPERATION_TIMEOUT',
  'SERVICE_UNAVAILABLE',
  'INTERNAL_SERVER_ERROR',
])

/** Close codes of graphql-transport-ws after which the same request would fail again. */
const FINAL_CLOSES = [4004, 4005, 4400, 4406, 4409, 4429]
const REFUSED_CLOSES = [4401, 4403]

/** Statuses that pass with time; the others from 400 to 499 do not. */
const PASSING_STATUSES = [408, 425, 429]

/** The code of the gateway's error in what a client reports; undefined if it has none. */
export function codeOf(error: unknown): ErrorCode | undefined {
  return failureIn(error)?.extensions?.code
}

function failureIn(error: unknown): Failure | undefined {
  const [first] = Array.isArray(error) ? (error as unknown[]) : [error]
  return typeof first === 'object' && first !== null && 'extensions' in first ? (first as Failure) : undefined
}

/** What to do after what graphql-ws or graphql-sse reported: errors, a close event, a response, or a lost connection. */
export function outcomeOf(error: unknown): Outcome {
  const failure = failureIn(error)
  const code = failure?.extensions?.code
  if (failure) {
    if (code === 'UNAUTHENTICATED') return { kind: 'REFUSED', code }
    const resetAt = Date.parse(failure.extensions?.resetAt ?? '')
    return {
      kind: code !== undefined && RETRIED.has(code) ? 'RETRY' : 'FINAL',
      code,
      ...(!Number.isNaN(resetAt) && { notBefore: resetAt }),
    }
  }
  const { code: close, response } = (error ?? {}) as { code?: number; response?: { status?: number } }
  const status = response?.status
  return { kind: kindOf(close, status), code }
}

function kindOf(close: number | undefined, status: number | undefined): Outcome['kind'] {
  if (status === 401 || (close !== undefined && REFUSED_CLOSES.includes(close))) return 'REFUSED'
  if (close !== undefined && FINAL_CLOSES.includes(close)) return 'FINAL'
  if (status !== undefined && status >= 400 && status < 500 && !PASSING_STATUSES.includes(status))
    return 'FINAL'
  return 'RETRY'
}
