import { createHash } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { promisify } from 'node:util'
import { brotliCompress, gzip } from 'node:zlib'
import { introspectionFromSchema } from 'graphql'
import { clientError } from '../../graphql/errors.ts'
import { printSdl, schema } from '../../graphql/schema.ts'
import type { Viewer } from '../../services/viewer.ts'
import { chooseEncoding, type Encoding } from '../pages/assets/assets.ts'
import { isHeld } from '../pages/assets/page.ts'
import type { Refused } from './turn-away.ts'

/** The schema as an introspection query answers it with all its options. */
function introspect(): string {
  return JSON.stringify({ data: introspectionFromSchema(schema) })
}

/** Where the schema is, and what it is written as there. */
const FILES = {
  '/schema.graphql': { contentType: 'text/plain; charset=utf-8', write: printSdl },
  '/schema.json': { contentType: 'application/json; charset=utf-8', write: introspect },
} as const

export type SchemaPath = keyof typeof FILES

export const isSchemaPath = (path: string | undefined): path is SchemaPath =>
  path !== undefined && Object.hasOwn(FILES, path)

const notGet = (path: SchemaPath): Refused => ({
  status: 405,
  error: clientError('METHOD_NOT_ALLOWED', `${path} only supports GET and HEAD requests.`),
  headers: { allow: 'GET, HEAD' },
})
const notForYou = (path: SchemaPath): Refused => ({
  status: 403,
  error: clientError('INTROSPECTION_DISABLED', `Introspection requires the role ADMIN: so does ${path}.`),
})

interface Body {
  bytes: Buffer
  etag: string
}

/** Serves the schema to those who may introspect it. It is written and compressed when it is first asked for. */
export class SchemaFiles {
  readonly #mayIntrospect: (viewer: Viewer) => boolean
  readonly #bodies = new Map<SchemaPath, Promise<Record<Encoding, Body>>>()

  constructor(mayIntrospect: (viewer: Viewer) => boolean) {
    this.#mayIntrospect = mayIntrospect
  }

  /** Why it does not answer this request, regardless of the viewer. */
  refusal(path: SchemaPath, { method }: IncomingMessage): Refused | undefined {
    return method === 'GET' || method === 'HEAD' ? undefined : notGet(path)
  }

  /** Answers, or returns why it does not. */
  async answer(
    path: SchemaPath,
    request: IncomingMessage,
    response: ServerResponse,
    viewer: Viewer,
  ): Promise<Refused | undefined> {
    if (!this.#mayIntrospect(viewer)) return notForYou(path)
    const encoding = chooseEncoding(request.headers['accept-encoding'])
    const { bytes, etag } = (await this.#bodiesOf(path))[encoding]
    response.setHeader('cache-control', 'private, no-cache').setHeader('etag', etag)
    response.appendHeader('vary', 'accept-encoding, authorization')
    if (isHeld(request, etag)) {
      response.writeHead(304).end()
      return undefined
    }
    if (encoding !== 'identity') response.setHeader('content-encoding', encoding)
    response.writeHead(200, { 'content-type': FILES[path].contentType, 'content-length': bytes.length })
    response.end(request.method === 'HEAD' ? undefined : bytes)
    return undefined
  }

  #bodiesOf(path: SchemaPath): Promise<Record<Encoding, Body>> {
    const bodies = this.#bodies.get(path) ?? compressed(Buffer.from(FILES[path].write()))
    this.#bodies.set(path, bodies)
    return bodies
  }
}

async function compressed(text: Buffer): Promise<Record<Encoding, Body>> {
  const hash = createHash('sha256').update(text).digest('base64url').slice(0, 22)
  const body = (bytes: Buffer, encoding: Encoding) => ({ bytes, etag: `"${hash}-${encoding}"` })
  const [br, gz] = await Promise.all([promisify(brotliCompress)(text), promisify(gzip)(text, { level: 9 })])
  return { br: body(br, 'br'), gzip: body(gz, 'gzip'), identity: body(text, 'identity') }
}
