import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

/** A span as a collector reads it. */
export interface ReceivedSpan {
  traceId: string
  spanId: string
  parentSpanId: string
  name: string
  attributes: Record<string, string>
}

type Fields = Map<number, Buffer[]>

/** The length-delimited fields of a message of Protocol Buffers, by number; others are passed over. */
function fieldsOf(bytes: Buffer): Fields {
  const fields: Fields = new Map()
  let at = 0
  function varint(): number {
    let value = 0
    for (let scale = 1; ; scale *= 128) {
      const byte = bytes[at++] ?? 0
      value += (byte & 127) * scale
      if (byte < 128) return value
    }
  }
  while (at < bytes.length) {
    const tag = varint()
    const wireType = tag & 7
    if (wireType === 0) varint()
    else if (wireType === 1) at += 8
    else if (wireType === 5) at += 4
    else {
      const length = varint()
      const field = tag >>> 3
      fields.set(field, [...(fields.get(field) ?? []), bytes.subarray(at, at + length)])
      at += length
    }
  }
  return fields
}

const all = (bytes: Buffer, field: number) => fieldsOf(bytes).get(field) ?? []
const text = (fields: Fields, field: number, encoding: BufferEncoding = 'utf8') =>
  (fields.get(field)?.[0] ?? Buffer.alloc(0)).toString(encoding)

/** The attributes whose values are texts. */
function attributesOf(attributes: readonly Buffer[]): Record<string, string> {
  return Object.fromEntries(
    attributes.map((attribute) => {
      const pair = fieldsOf(attribute)
      return [text(pair, 1), text(fieldsOf(pair.get(2)?.[0] ?? Buffer.alloc(0)), 1)]
    }),
  )
}

/** Numbers of fields: opentelemetry-proto, trace/v1/trace.proto. */
function spansIn(request: Buffer): ReceivedSpan[] {
  return all(request, 1).flatMap((resourceSpans) =>
    all(resourceSpans, 2).flatMap((scopeSpans) =>
      all(scopeSpans, 2).map((span) => {
        const fields = fieldsOf(span)
        return {
          traceId: text(fields, 1, 'hex'),
          spanId: text(fields, 2, 'hex'),
          parentSpanId: text(fields, 4, 'hex'),
          name: text(fields, 5),
          attributes: attributesOf(fields.get(9) ?? []),
        }
      }),
    ),
  )
}

/** A receiver of OTLP over HTTP, as a collector is one. */
export async function startReceiver() {
  const spans: ReceivedSpan[] = []
  const resources: Record<string, string>[] = []
  const requests: { path: string; headers: Record<string, unknown>; body: string }[] = []
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request
      .on('data', (chunk: Buffer) => chunks.push(chunk))
      .on('end', () => {
        const body = Buffer.concat(chunks)
        requests.push({ path: request.url ?? '', headers: request.headers, body: body.toString('latin1') })
        spans.push(...spansIn(body))
        for (const resourceSpans of all(body, 1))
          for (const resource of all(resourceSpans, 1)) resources.push(attributesOf(all(resource, 1)))
        response.writeHead(200, { 'content-type': 'application/x-protobuf' }).end()
      })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    endpoint: `http://127.0.0.1:${port}`,
    spans,
    resources,
    requests,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
