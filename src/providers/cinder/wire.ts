import { randomUUID } from 'node:crypto'
import type { Page } from '../cloud/cloud.ts'
import { CloudFault, CursorRefused } from '../cloud/faults.ts'
import { Fields } from '../cloud/fields.ts'
import { addressOf, type CloudCall, type UpstreamAnswer } from '../cloud/upstream.ts'
import { errorOf, faultClassOf, faultFrom } from './faults.ts'
import { createKeystone, type KeystoneOptions } from './keystone.ts'
import { WITHOUT_FORCE } from './requests.ts'

/** Requests to block storage with the token of the project's session. */
export function createCinderWire(options: KeystoneOptions) {
  const { upstream, rowsPerPage = 1_000 } = options
  const keystone = createKeystone(options)
  /** The microversion that is asked for, below 3: the newest that we know, or the newest that is there. */
  let minor: Promise<number> | undefined

  return {
    call,
    credentialsEnd: (signal: AbortSignal) => keystone.credentialsEnd(signal),
    minorVersion,
    page,
    read,
  }

  async function page<Row>(
    path: string,
    list: string,
    seen: (row: Fields) => Row | undefined,
    query: Record<string, string | undefined>,
    signal: AbortSignal,
  ): Promise<Page<Row>> {
    const answer = await call(
      { method: 'GET', path, query: { ...query, limit: String(rowsPerPage) } },
      signal,
    )
    // A marker names a row, which may have been deleted since.
    if (query['marker'] !== undefined && answer.status === 404)
      throw new CursorRefused('The marker is no longer known.')
    const body = bodyOf(answer)
    if (!body.hasList(list)) throw malformed(answer)
    const link = body.list(`${list}_links`).find((entry) => entry.text('rel') === 'next')
    return {
      rows: body.list(list).flatMap((row) => seen(row) ?? []),
      next: link && markerOf(link.text('href') ?? '', answer),
    }
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

  /** Asks, and asks again after a new login when the token is not taken. Refusals are returned, faults thrown. */
  async function call(request: CloudCall, signal: AbortSignal): Promise<UpstreamAnswer> {
    const version = await minorVersion(signal)
    for (let isRepeated = false; ; isRepeated = true) {
      const { token, blockStorage } = await keystone.session()
      const answer = await send(request, token, blockStorage, version, signal)
      const error = answer.status >= 400 ? errorOf(answer) : undefined
      const faultClass = error && faultClassOf(error, request.method !== 'GET')
      if (error === undefined || faultClass === undefined) return answer
      if (answer.status !== 401 || isRepeated) throw faultFrom(error, faultClass, 'Cinder')
      keystone.forget(token)
    }
  }

  function send(
    call: CloudCall,
    token: string,
    blockStorage: URL,
    version: number,
    signal: AbortSignal,
  ): Promise<UpstreamAnswer> {
    const { method, body } = call
    const url = addressOf(blockStorage.href.replace(/\/$/, ''), call)
    const headers = {
      'x-auth-token': token,
      'content-type': 'application/json',
      'openstack-api-version': `volume 3.${String(version)}`,
      'x-openstack-request-id': `req-${randomUUID()}`,
    }
    return upstream({ method, url, headers, ...(body && { body: JSON.stringify(body) }) }, signal)
  }

  /** Asked once; a fault is not kept. */
  function minorVersion(signal: AbortSignal): Promise<number> {
    minor ??= discover(signal).catch((error: unknown) => {
      minor = undefined
      throw error
    })
    return minor
  }

  async function discover(signal: AbortSignal): Promise<number> {
    const { blockStorage } = await keystone.session()
    const url = new URL(blockStorage.href.replace(/\/v3\b.*$/, '/'))
    const answer = await upstream({ method: 'GET', url, headers: {} }, signal)
    if (answer.status >= 400) throw faultFrom(errorOf(answer), 'PASSING', 'Cinder')
    const newest = new Fields(answer.json)
      .list('versions')
      .map((version) => /^3\.(\d+)$/.exec(version.text('version') ?? '')?.[1])
      .find((version) => version !== undefined)
    if (newest === undefined) throw malformed(answer)
    return Math.min(Number(newest), WITHOUT_FORCE)
  }
}

function bodyOf(answer: UpstreamAnswer): Fields {
  if (answer.status >= 400) throw faultFrom(errorOf(answer), 'PASSING', 'Cinder')
  if (typeof answer.json !== 'object' || answer.json === null) throw malformed(answer)
  return new Fields(answer.json)
}

const malformed = (answer: UpstreamAnswer) =>
  new CloudFault('PASSING', 'Cinder answered with something that is not its list.', {
    code: 'MALFORMED_ANSWER',
    requestId: answer.header('x-openstack-request-id') ?? null,
  })

/** The marker alone is taken from a link to the next page, which may name another host. */
function markerOf(href: string, answer: UpstreamAnswer): string {
  const marker = URL.canParse(href) ? new URL(href).searchParams.get('marker') : null
  if (marker === null) throw malformed(answer)
  return marker
}
