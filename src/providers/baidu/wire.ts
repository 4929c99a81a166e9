import { randomUUID } from 'node:crypto'
import type { Page } from '../cloud/cloud.ts'
import { CloudFault, CursorRefused } from '../cloud/faults.ts'
import { Fields } from '../cloud/fields.ts'
import { addressOf, type CloudCall, type Upstream, type UpstreamAnswer } from '../cloud/upstream.ts'
import { errorOf, faultClassOf, faultFrom, type BaiduError } from './faults.ts'
import { authorizationOf, bceDate, type BaiduKey } from './signature.ts'

/** The largest page of a list. */
export const ROWS_PER_PAGE = 1_000

export interface BaiduOptions {
  endpoint: URL
  /** Asked before each attempt, as temporary keys change. */
  key: () => Promise<BaiduKey & { expiration?: string | undefined }>
  upstream: Upstream
  now: () => Date
}

/** Signed requests to Baidu AI Cloud. */
export function createBaiduWire({ endpoint, key, upstream, now }: BaiduOptions) {
  /** How far the cloud's clock is ahead of ours, as its last complaint told. */
  let clockOffsetMs = 0

  return { call, page, read }

  async function page(
    path: string,
    list: string,
    query: Record<string, string | undefined>,
    signal: AbortSignal,
  ): Promise<Page<Fields>> {
    const answer = await call(
      { method: 'GET', path, query: { ...query, maxKeys: String(ROWS_PER_PAGE) } },
      signal,
    )
    // A marker names a row, which may have been deleted since.
    if (query['marker'] !== undefined && (answer.status === 400 || answer.status === 404))
      throw new CursorRefused('The marker is no longer known.')
    const body = bodyOf(answer)
    const next = body.text('nextMarker') ?? undefined
    if (!body.hasList(list) || (body.flag('isTruncated') && next === undefined)) throw malformed(answer)
    return { rows: body.list(list), next: body.flag('isTruncated') ? next : undefined }
  }

  /** The answer to a question about one thing; undefined when it does not exist. */
  async function read(
    path: string,
    signal: AbortSignal,
    query?: Record<string, string>,
  ): Promise<Fields | undefined> {
    const answer = await call({ method: 'GET', path, ...(query && { query }) }, signal)
    return answer.status === 404 ? undefined : bodyOf(answer)
  }

  /** Asks, and asks again with the cloud's own time when it says that ours is wrong. Refusals are returned, faults thrown. */
  async function call(request: CloudCall, signal: AbortSignal): Promise<UpstreamAnswer> {
    for (let isRepeated = false; ; isRepeated = true) {
      const answer = await send(request, signal)
      const error = answer.status >= 400 ? errorOf(answer) : undefined
      const faultClass = error && faultClassOf(error, request.method !== 'GET')
      if (error === undefined || faultClass === undefined) return answer
      const fault = faultFrom(error, faultClass, answer, now())
      if (faultClass !== 'CLOCK' || fault.clockOffsetMs === undefined || isRepeated) throw fault
      clockOffsetMs = fault.clockOffsetMs
    }
  }

  async function send(call: CloudCall, signal: AbortSignal): Promise<UpstreamAnswer> {
    const { accessKeyId, secretAccessKey, sessionToken } = await key()
    const at = new Date(now().getTime() + clockOffsetMs)
    const { method, body } = call
    const url = addressOf(endpoint.origin, call)
    const headers = {
      host: endpoint.host,
      'content-type': 'application/json;charset=utf-8',
      'x-bce-date': bceDate(at),
      'x-bce-request-id': randomUUID(),
      ...(sessionToken !== undefined && { 'x-bce-security-token': sessionToken }),
    }
    const authorization = authorizationOf(
      { method, path: url.pathname, query: new Map(url.searchParams), headers, at },
      { accessKeyId, secretAccessKey },
    )
    return upstream(
      { method, url, headers: { ...headers, authorization }, ...(body && { body: JSON.stringify(body) }) },
      signal,
    )
  }
}

function bodyOf(answer: UpstreamAnswer): Fields {
  if (answer.status >= 400) throw unexpected(errorOf(answer))
  if (typeof answer.json !== 'object' || answer.json === null) throw malformed(answer)
  return new Fields(answer.json)
}

const malformed = (answer: UpstreamAnswer) =>
  new CloudFault('PASSING', 'Baidu AI Cloud answered with something that is not its list.', {
    code: 'MALFORMED_ANSWER',
    requestId: answer.header('x-bce-request-id') ?? null,
  })

/** A question that is refused: nothing of ours can mend that, and it may be answered another time. */
const unexpected = ({ status, code, message, requestId }: BaiduError) =>
  new CloudFault('PASSING', `Baidu AI Cloud answered ${String(status)} ${code}. ${message}`.trim(), {
    code,
    requestId,
  })
