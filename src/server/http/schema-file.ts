import { createHash } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { promisify } from 'node:util'
import { brotliCompress, gzip } from 'node:zlib'
import { clientError } from '../../graphql/errors.ts'
import { printSdl } from '../../graphql/schema.ts'
import type { Viewer } from '../../services/viewer.ts'
import { chooseEncoding, type Encoding } from '../pages/assets/assets.ts'
import { isHeld } from '../pages/assets/page.ts'
import type { Refused } from './turn-away.ts'

/** Where the schema is, as text. */
export const SCHEMA_PATH = '/schema.graphql'

const NOT_GET: Refused = {
  status: 405,
  error: clientError('METHOD_NOT_ALLOWED', `${SCHEMA_PATH} only supports GET and HEAD requests.`),
  headers: { allow: 'GET, HEAD' },
}
const NOT_FOR_YOU: Refused = {
  status: 403,
  error: clientError(
    'INTROSPECTION_DISABLED',
    `Introspection requires the role ADMIN: so does ${SCHEMA_PATH}.`,
  ),
}

interface Body {
  bytes: Buffer
  etag: string
}

/** Serves the schema to those who may introspect it. It is printed and compressed when it is first asked for. */
export class SchemaFile {
  readonly #mayIntrospect: (viewer: Viewer) => boolean
  #bodies: Promise<Record<Encoding, Body>> | undefined

  constructor(mayIntrospect: (viewer: Viewer) => boolean) {
    this.#mayIntrospect = mayIntrospect
  }

  /** Why it does not answer this request, regardless of the viewer. */
  refusal({ method }: IncomingMessage): Refused | undefined {
    return method === 'GET' || method === 'HEAD' ? undefined : NOT_GET
  }

  /** Answers, or returns why it does not. */
  async answer(
    request: IncomingMessage,
    response: ServerResponse,
    viewer: Viewer,
  ): Promise<Refused | undefined> {
    if (!this.#mayIntrospect(viewer)) return NOT_FOR_YOU
    const encoding = chooseEncoding(request.headers['accept-encoding'])
    this.#bodies ??= bodiesOf(Buffer.from(printSdl()))
    const { bytes, etag } = (await this.#bodies)[encoding]
    response.setHeader('cache-control', 'private, no-cache').setHeader('etag', etag)
    response.appendHeader('vary', 'accept-encoding, authorization')
    if (isHeld(request, etag)) {
      response.writeHead(304).end()
      return undefined
    }
    if (encoding !== 'identity') response.setHeader('content-encoding', encoding)
    response.writeHead(200, { 'content-type': 'text/plain; charset=utf-8', 'content-length': bytes.length })
    response.end(request.method === 'HEAD' ? undefined : bytes)
    return undefined
  }
}

async function bodiesOf(text: Buffer): Promise<Record<Encoding, Body>> {
  const hash = createHash('sha256').update(text).digest('base64url').slice(0, 22)
  const body = (bytes: Buffer, encoding: Encoding) => ({ bytes, etag: `"${hash}-${encoding}"` })
  const [br, gz] = await Promise.all([promisify(brotliCompress)(text), promisify(gzip)(text, { level: 9 })])
  return { br: body(br, 'br'), gzip: body(gz, 'gzip'), identity: body(text, 'identity') }
}
