import { request as requestByHttp, type IncomingMessage } from 'node:http'
import { request as requestByHttps } from 'node:https'
import { reason } from '../../domain/reasons.ts'
import { endpointProblem, publicLookup, type EndpointRules } from './endpoints.ts'
import { CloudFault } from './faults.ts'

const CONNECT_MS = 5_000
const ANSWER_MS = 30_000
const BODY_BYTES_MAX = 16 * 2 ** 20

type Method = 'GET' | 'POST' | 'PUT' | 'DELETE'

/** A request to a cloud, before it has an address, headers and credentials. */
export interface CloudCall {
  method: Method
  path: string
  query?: Record<string, string | undefined>
  body?: object
}

interface UpstreamRequest {
  method: Method
  url: URL
  headers: Record<string, string>
  body?: string
}

export interface UpstreamAnswer {
  status: number
  header: (name: string) => string | undefined
  /** The body, when the answer says that it is JSON and it is; undefined otherwise. */
  json: unknown
  text: string
}

/** The address of a call. Throws when an id in its path would lead elsewhere, such as one with dots or a question mark. */
export function addressOf(base: string, { path, query = {} }: CloudCall): URL {
  const url = new URL(base + path)
  if (!url.pathname.endsWith(path)) throw new Error(`No disk, snapshot or instance has the id in ${path}.`)
  for (const [name, value] of Object.entries(query))
    if (value !== undefined) url.searchParams.append(name, value)
  return url
}

/** Sends one request, within limits of time and size, without following a redirect. */
export type Upstream = (request: UpstreamRequest, signal: AbortSignal) => Promise<UpstreamAnswer>

export function createUpstream(rules: EndpointRules): Upstream {
  return async (request, signal) => {
    const problem = endpointProblem(request.url, rules)
    if (problem !== undefined) throw new CloudFault('UNREACHABLE', problem, { code: 'ENDPOINT_NOT_ALLOWED' })
    const isTrusted = rules.hosts.includes(request.url.host)
    const sent = { value: false }
    try {
      const answer = await send(
        request,
        isTrusted,
        AbortSignal.any([signal, AbortSignal.timeout(ANSWER_MS)]),
        sent,
      )
      const text = await bodyOf(answer)
      return {
        status: answer.statusCode ?? 0,
        header: (name) => answer.headersDistinct[name]?.[0],
        json: jsonOf(answer, text),
        text,
      }
    } catch (error) {
      signal.throwIfAborted()
      throw faultOf(error, request, sent.value)
    }
  }
}

function send(
  { method, url, headers, body }: UpstreamRequest,
  isTrusted: boolean,
  signal: AbortSignal,
  sent: { value: boolean },
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const options = { method, headers, signal, ...(!isTrusted && { lookup: publicLookup }) }
    const request = url.protocol === 'https:' ? requestByHttps(url, options) : requestByHttp(url, options)
    const connecting = setTimeout(() => {
      request.destroy(Object.assign(new Error('no connection in time'), { code: 'ETIMEDOUT' }))
    }, CONNECT_MS)
    request
      .on('socket', (socket) => {
        const connected = () => {
          clearTimeout(connecting)
          sent.value = true
        }
        if (!socket.connecting) connected()
        else socket.once(url.protocol === 'https:' ? 'secureConnect' : 'connect', connected)
      })
      .on('response', resolve)
      .on('error', reject)
      .on('close', () => clearTimeout(connecting))
      .end(body)
  })
}

async function bodyOf(answer: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes > BODY_BYTES_MAX) throw Object.assign(new Error('too large'), { code: 'ERR_ANSWER_TOO_LARGE' })
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

function jsonOf(answer: IncomingMessage, text: string): unknown {
  if (!/^application\/(?:[\w.-]+\+)?json\b/i.test(answer.headers['content-type'] ?? '')) return undefined
  try {
    return JSON.parse(text) as unknown
  } catch {
    return undefined
  }
}

/** Once a change has been sent, a missing response does not tell whether it was made. */
function faultOf(error: unknown, { method, url }: UpstreamRequest, wasSent: boolean): CloudFault {
  const code =
    error instanceof Error && 'code' in error && typeof error.code === 'string'
      ? error.code
      : error instanceof Error && error.name === 'TimeoutError'
        ? 'ETIMEDOUT'
        : 'ERR_CONNECTION'
  if (!wasSent)
    return new CloudFault('UNREACHABLE', reason('NO_CONNECTION', { host: url.host, errno: code }), { code })
  const faultClass = method === 'GET' ? 'PASSING' : 'UNCLEAR'
  return new CloudFault(faultClass, reason('NO_ANSWER', { host: url.host, errno: code }), { code })
}
