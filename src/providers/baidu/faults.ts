import type { CloudRefusal } from '../cloud/cloud.ts'
import { CloudFault, type FaultClass } from '../cloud/faults.ts'
import { cut } from '../text.ts'
import type { UpstreamAnswer } from '../cloud/upstream.ts'

/** What an answer with an error says; a front end can answer without a body, or with one that is no JSON. */
export interface BaiduError {
  status: number
  code: string
  message: string
  requestId: string | null
}

export function errorOf(answer: UpstreamAnswer): BaiduError {
  const body = answer.json
  const field = (name: string) =>
    typeof body === 'object' && body !== null && name in body
      ? text((body as Record<string, unknown>)[name])
      : undefined
  return {
    status: answer.status,
    code: field('code') ?? `Http${String(answer.status)}`,
    message: cut(field('message') ?? ''),
    requestId: field('requestId') ?? answer.header('x-bce-request-id') ?? null,
  }
}

const text = (value: unknown): string | undefined =>
  typeof value === 'string' && value !== '' ? value : undefined

/** Signing again with the right time can mend these. */
const CLOCK = new Set(['RequestExpired', 'RequestTimeTooSkewed'])
const CREDENTIALS = new Set([
  'InvalidAccessKeyId',
  'AccessDenied',
  'SignatureDoesNotMatch',
  'InvalidHTTPAuthHeader',
  'QualifyNotPass',
  'OptInRequired',
])
const QUOTA = /quota|limitexceeded/i
const THROTTLED = /limit|thrott|qps|toomany|flow/i
const MONEY = /arrear|insufficientbalance|payment/i

/** Why the error is no answer to go by; undefined when it is a refusal. */
export function faultClassOf({ status, code }: BaiduError, isWrite: boolean): FaultClass | undefined {
  if (CLOCK.has(code)) return 'CLOCK'
  if (CREDENTIALS.has(code)) return 'CREDENTIALS'
  if (status === 429) return 'THROTTLED'
  if (THROTTLED.test(code) && !QUOTA.test(code)) return 'THROTTLED'
  // A code that a front end makes up when it has none from behind it: the request may have arrived.
  if (status >= 500 || status === 408 || code === 'Http400') return isWrite ? 'UNCLEAR' : 'PASSING'
  return undefined
}

export function faultFrom(
  error: BaiduError,
  faultClass: FaultClass,
  answer: UpstreamAnswer,
  now: Date,
): CloudFault {
  const { status, code, message, requestId } = error
  const seconds = Number(answer.header('retry-after') ?? NaN)
  const theirs = Date.parse(answer.header('date') ?? '')
  return new CloudFault(faultClass, `Baidu AI Cloud answered ${String(status)} ${code}. ${message}`.trim(), {
    code,
    requestId,
    retryAfterMs: seconds > 0 ? seconds * 1_000 : undefined,
    clockOffsetMs: Number.isNaN(theirs) ? undefined : theirs - now.getTime(),
  })
}

/** The cloud's no. What is not known here is refused for good, and never repeated blindly. */
export function refusalFrom({ status, code, message, requestId }: BaiduError): CloudRefusal {
  return { outcome: 'refused', class: classOf(status, code, message), code, message, requestId }
}

function classOf(status: number, code: string, message: string): CloudRefusal['class'] {
  if (code === 'IdempotentParameterMismatch') return 'TOKEN'
  if (status === 413 || QUOTA.test(code)) return 'QUOTA'
  if (status === 402 || MONEY.test(code) || MONEY.test(message)) return 'MONEY'
  if (status === 404 || code === 'NoSuchObject') return 'MISSING'
  if (status === 409 || code === 'SnapshotOperationForbidden') return 'STATE'
  if (code === 'Snapshot.SnapshotNameInvalid') return 'NAME'
  if (status === 403) return 'PERMISSION'
  return 'OTHER'
}
