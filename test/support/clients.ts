import { createClient, type Client } from 'graphql-ws'
import { WebSocket } from 'ws'

export interface GraphqlError {
  message: string
  path?: (string | number)[]
  locations?: unknown
  extensions: { code: string; requestId: string; arguments?: string[] }
}

/** What a GraphQL operation answered. */
export interface Answer {
  status: number
  headers: Headers
  data: any
  errors: GraphqlError[] | undefined
}

/** Runs an operation over HTTP, as a plain client does. */
export async function postGraphql(
  endpoint: string,
  query: string,
  variables?: Record<string, unknown>,
  more: Record<string, string> = {},
): Promise<Answer> {
  const response = await fetch(endpoint, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'application/json', ...more },
    body: JSON.stringify({ query, variables }),
  })
  const { data, errors } = (await response.json()) as Pick<Answer, 'data' | 'errors'>
  return { status: response.status, headers: response.headers, data, errors }
}

/** Runs an operation over HTTP. */
export type Ask = (query: string, variables?: Record<string, unknown>) => Promise<Answer>

/** Creates a snapshot; for clients that also want to know why not. */
export const CREATE_SNAPSHOT = `mutation ($input: CreateSnapshotInput!) {
  createSnapshot(input: $input) { ... on CreateSnapshotPayload { snapshot { id } } ... on UserError { code message } }
}`

/** Creates a snapshot of the disk, as a client does; its id. Throws when it is refused. */
export async function createSnapshot(ask: Ask, disk: { id: string }, input: object = {}): Promise<string> {
  const { data, errors } = await ask(CREATE_SNAPSHOT, { input: { diskId: disk.id, name: 'taken', ...input } })
  const created = data?.createSnapshot.snapshot as { id: string } | undefined
  if (!created) throw new Error(JSON.stringify(errors ?? data))
  return created.id
}

/** The official WebSocket client, one attempt only. */
export function connectWebSocket(
  url: string,
  connectionParams: Record<string, string> = {},
): Client & AsyncDisposable {
  const client = createClient({ url, connectionParams, webSocketImpl: WebSocket, retryAttempts: 0 })
  return Object.assign(client, {
    [Symbol.asyncDispose]: async () => {
      await client.dispose()
    },
  })
}

/** What an operation came to. */
export interface Outcome {
  data?: any
  errors?: GraphqlError[]
}

/** The result without its `extensions`, which say what it cost. */
export function outcomeOf({ data, errors }: Outcome): Outcome {
  return { ...(data !== undefined && { data: data as unknown }), ...(errors && { errors }) }
}

/** Reads a subscription over server-sent events with nothing but fetch; ends at `complete`, and cancels when it is left. */
export async function* streamEvents(
  endpoint: string,
  query: string,
  variables?: Record<string, unknown>,
  more: Record<string, string> = {},
): AsyncGenerator<Outcome, void> {
  const cancel = new AbortController()
  try {
    const response = await fetch(endpoint, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'text/event-stream', ...more },
      body: JSON.stringify({ query, variables }),
      signal: cancel.signal,
    })
    if (!response.body) throw new Error(`No stream: ${response.status}`)
    let text = ''
    for await (const chunk of response.body.pipeThrough(new TextDecoderStream())) {
      text += chunk
      for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
        const lines = text.slice(0, end).split('\n')
        text = text.slice(end + 2)
        if (lines.includes('event: complete')) return
        const data = lines.find((line) => line.startsWith('data: '))
        if (data) yield outcomeOf(JSON.parse(data.slice('data: '.length)) as Outcome)
      }
    }
  } finally {
    cancel.abort()
  }
}
