import type { CloudRefusal } from '../cloud/cloud.ts'
import { CloudFault, type FaultClass } from '../cloud/faults.ts'
import { Fields } from '../cloud/fields.ts'
import { cut } from '../text.ts'
import type { UpstreamAnswer } from '../cloud/upstream.ts'

/** What an answer with an error says: `code` is the name of Cinder's envelope, such as `badRequest`. */
export interface OpenStackError {
  status: number
  code: string
  message: string
  requestId: string | null
  retryAfterSeconds: number
}

/** Cinder's errors are in an envelope named by their kind, Keystone's in one named `error`; a proxy's are no JSON. */
export function errorOf(answer: UpstreamAnswer): OpenStackError {
  const [envelope, content] =
    typeof answer.json === 'object' && answer.json !== null ? (Object.entries(answer.json)[0] ?? []) : []
  const fields = new Fields(content)
  return {
    status: answer.status,
    code: (envelope === 'error' ? fields.text('title') : envelope) ?? `Http${String(answer.status)}`,
    message: cut(fields.text('message') ?? ''),
    requestId: answer.header('x-openstack-request-id') ?? answer.header('x-compute-request-id') ?? null,
    retryAfterSeconds: Number(answer.header('retry-after') ?? fields.count('retryAfter') ?? 0) || 0,
  }
}

/** A full quota and a rate that is too high have the same status; only the rate asks to be left alone for a while. */
const isQuota = ({ status, message, retryAfterSeconds }: OpenStackError): boolean =>
  status === 413 && (/exceed/i.test(message) || retryAfterSeconds === 0)

/** Why the error is no answer to go by; undefined when it is a refusal. */
export function faultClassOf(error: OpenStackError, isWrite: boolean): FaultClass | undefined {
  const { status } = error
  if (status === 401) return 'CREDENTIALS'
  if (status === 429 || (status === 413 && !isQuota(error))) return 'THROTTLED'
  if (status >= 500 || status === 408) return isWrite ? 'UNCLEAR' : 'PASSING'
  return undefined
}

export function faultFrom(
  error: OpenStackError,
  faultClass: FaultClass,
  service: 'Cinder' | 'Keystone',
): CloudFault {
  const { status, code, message, requestId, retryAfterSeconds } = error
  return new CloudFault(faultClass, `${service} answered ${String(status)} ${code}. ${message}`.trim(), {
    code,
    requestId,
    retryAfterMs: retryAfterSeconds > 0 ? retryAfterSeconds * 1_000 : undefined,
  })
}

/** Cinder's no. It answers 400 both to bad input and to a status that forbids the request, and tells them apart in words. */
export function refusalFrom(error: OpenStackError): CloudRefusal {
  const { code, message, requestId } = error
  return { outcome: 'refused', class: classOf(error), code, message, requestId }
}

function classOf(error: OpenStackError): CloudRefusal['class'] {
  const { status, message } = error
  if (isQuota(error)) return 'QUOTA'
  if (status === 404) return 'MISSING'
  if (status === 409) return 'STATE'
  if (status === 403) return 'PERMISSION'
  if (status === 400 && /\bname\b/i.test(message) && !/status/i.test(message)) return 'NAME'
  if (status === 400 && /status|latest snapshot|dependent|in[- ]use/i.test(message)) return 'STATE'
  return 'OTHER'
}
