import { createHmac } from 'node:crypto'

/** A key of Baidu AI Cloud; with a session token when it is a temporary one. */
export interface BaiduKey {
  accessKeyId: string
  secretAccessKey: string
  sessionToken?: string | undefined
}

export interface SignedRequest {
  method: string
  /** The path as it is, not encoded. */
  path: string
  query: ReadonlyMap<string, string>
  /** The headers that are sent. */
  headers: Readonly<Record<string, string>>
  at: Date
}

const EXPIRES_SECONDS = 1800
const SIGNED_HEADERS = /^(?:host|content-length|content-type|content-md5|x-bce-.+)$/

/** The `authorization` header of a request, by version 1 of Baidu's signature. It is good for half an hour after `at`. */
export function authorizationOf(
  request: SignedRequest,
  { accessKeyId, secretAccessKey }: Pick<BaiduKey, 'accessKeyId' | 'secretAccessKey'>,
): string {
  const headers = headersToSign(request.headers)
  const text = [
    request.method,
    encodePath(request.path),
    canonicalQuery(request.query),
    canonicalHeaders(headers),
  ].join('\n')
  const prefix = `bce-auth-v1/${accessKeyId}/${bceDate(request.at)}/${String(EXPIRES_SECONDS)}`
  const names = [...headers.keys()].sort().join(';')
  return `${prefix}/${names}/${hmac(hmac(secretAccessKey, prefix), text)}`
}

/** A moment as Baidu writes it: in UTC, to the second. */
export const bceDate = (at: Date): string => at.toISOString().replace(/\.\d+Z$/, 'Z')

/** Unlike encodeURIComponent, it encodes `!`, `'`, `(`, `)` and `*` too. */
export const encodeStrictly = (text: string): string =>
  encodeURIComponent(text).replaceAll(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  )

const encodePath = (path: string): string => path.split('/').map(encodeStrictly).join('/')

/** The finished pairs are sorted, not their names: `text10=` comes before `text1=`, because `0` comes before `=`. */
export const canonicalQuery = (query: ReadonlyMap<string, string>): string =>
  [...query]
    .filter(([name]) => name.toLowerCase() !== 'authorization')
    .map(([name, value]) => `${encodeStrictly(name)}=${encodeStrictly(value)}`)
    .sort()
    .join('&')

/** The headers that count, by their names in lower case. Baidu leaves out the id of the request. */
export function headersToSign(headers: Readonly<Record<string, string>>): Map<string, string> {
  return new Map(
    Object.entries(headers)
      .map(([name, value]): [string, string] => [name.toLowerCase(), value.trim()])
      .filter(([name, value]) => SIGNED_HEADERS.test(name) && name !== 'x-bce-request-id' && value !== ''),
  )
}

export const canonicalHeaders = (headers: ReadonlyMap<string, string>): string =>
  [...headers]
    .map(([name, value]) => `${encodeStrictly(name)}:${encodeStrictly(value)}`)
    .sort()
    .join('\n')

const hmac = (key: string, text: string): string => createHmac('sha256', key).update(text).digest('hex')
