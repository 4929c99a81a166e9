import type { TestApp } from './app.ts'
import type { GraphqlError } from './clients.ts'

/** The media types that Apollo Client sends with a query that has something to deliver later. */
export const IN_PARTS =
  'multipart/mixed;deferSpec=20220824,application/graphql-response+json,application/json;q=0.9'

type Path = (string | number)[]

export interface Part {
  data?: any
  errors?: GraphqlError[]
  extensions?: { cost: { requested: number } }
  incremental?: {
    path: Path
    label?: string
    data?: any
    items?: unknown[] | null
    errors?: GraphqlError[]
  }[]
  hasNext: boolean
}

/** Sends a query, and accepts its answer in parts. */
export function askInParts(
  { endpoint }: Pick<TestApp, 'endpoint'>,
  query: string,
  variables: object = {},
  { accept = IN_PARTS, token, signal }: { accept?: string; token?: string; signal?: AbortSignal } = {},
): Promise<Response> {
  return fetch(endpoint, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept,
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
    },
    body: JSON.stringify({ query, variables }),
    ...(signal && { signal }),
  })
}

/** The parts of an answer as they come. */
export async function* partsIn({ body }: Response): AsyncGenerator<Part, void> {
  let text = ''
  for await (const chunk of body?.pipeThrough(new TextDecoderStream()) ?? []) {
    text += chunk
    for (let end = text.indexOf('\r\n--graphql'); end >= 0; end = text.indexOf('\r\n--graphql')) {
      const json = text.slice(0, end).split('\r\n\r\n')[1]
      text = text.slice(end + '\r\n--graphql'.length)
      if (json !== undefined) yield JSON.parse(json) as Part
    }
  }
  if (text !== '--\r\n') throw new Error(`The answer ended with ${JSON.stringify(text)}.`)
}

/** What the parts are together. */
export function merged(parts: Part[]): { data: any; errors: GraphqlError[] } {
  const [{ data, errors = [] } = { data: undefined }, ...others] = parts
  const whole = { data: structuredClone(data), errors: [...errors] }
  for (const part of others) {
    whole.errors.push(...(part.errors ?? []))
    for (const { path, data: later, items, errors: more = [] } of part.incremental ?? []) {
      whole.errors.push(...more)
      const last = path.at(-1) as number
      if (items) (placeAt(whole.data, path.slice(0, -1)) as unknown[]).splice(last, items.length, ...items)
      else if (later) mergeInto(placeAt(whole.data, path), later)
    }
  }
  return whole
}

function placeAt(data: any, path: Path): any {
  return path.reduce((value, key) => value[key], data)
}

function mergeInto(target: any, source: any): void {
  for (const [key, value] of Object.entries(source)) {
    const known = target[key]
    if (typeof known === 'object' && known !== null) mergeInto(known, value)
    else target[key] = value
  }
}
