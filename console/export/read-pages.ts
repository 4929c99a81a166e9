import { CombinedError, stringifyDocument, type TypedDocumentNode } from 'urql'
import { ENDPOINT } from '../api/graphql.ts'
import { authorization } from '../api/session.ts'

/** How many rows are read at once: as many as the API gives. */
const PAGE_SIZE = 100

/** How much later than its budget is said to be full again a request is sent, in milliseconds. */
const AFTER_RESET_MS = 100

export interface PageOf<Row> {
  pageInfo: { endCursor: string | null; hasNextPage: boolean }
  nodes: readonly Row[]
}

interface Reading<Data, Row> {
  document: TypedDocumentNode<Data, never>
  variables: object
  listOf: (data: Data) => PageOf<Row>
  /** Where to begin; null for the beginning. */
  after: string | null
  signal: AbortSignal
  /** Called when the budget of the account is used up, with when it is full again, and with undefined when that is over. */
  onWait: (until: Date | undefined) => void
}

/**
 * Reads a list page by page, outside of the cache: nothing but the page at hand is kept. Waits where the API asks for it;
 * throws a CombinedError for anything else.
 */
export async function* readPages<Data, Row>({
  document,
  variables,
  listOf,
  after,
  signal,
  onWait,
}: Reading<Data, Row>): AsyncGenerator<PageOf<Row>> {
  const query = stringifyDocument(document)
  let place = after
  for (;;) {
    const read = await ask(query, { ...variables, first: PAGE_SIZE, after: place }, signal)
    if (read.is === 'limited') {
      onWait(read.until)
      await pass(read.until.getTime() - Date.now() + AFTER_RESET_MS, signal)
      onWait(undefined)
      continue
    }
    const page = listOf(read.data as Data)
    yield page
    if (!page.pageInfo.hasNextPage) return
    place = page.pageInfo.endCursor
  }
}

interface Answer {
  data?: unknown
  errors?: { message: string; extensions?: { code?: string; resetAt?: string } }[]
}

async function ask(query: string, variables: object, signal: AbortSignal) {
  const { data, errors = [] } = await answerTo(query, variables, signal)
  const [first] = errors
  if (!first) return { is: 'read' as const, data }
  const resetAt = Date.parse(first.extensions?.resetAt ?? '')
  if (first.extensions?.code === 'RATE_LIMITED' && !Number.isNaN(resetAt)) {
    return { is: 'limited' as const, until: new Date(resetAt) }
  }
  throw new CombinedError({ graphQLErrors: errors })
}

async function answerTo(query: string, variables: object, signal: AbortSignal): Promise<Answer> {
  const credential = authorization()
  try {
    const response = await fetch(ENDPOINT, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        accept: 'application/graphql-response+json',
        ...(credential !== undefined && { authorization: credential }),
      },
      body: JSON.stringify({ query, variables }),
      signal,
    })
    return (await response.json()) as Answer
  } catch (error) {
    signal.throwIfAborted()
    throw new CombinedError({ networkError: error instanceof Error ? error : new Error(String(error)) })
  }
}

/** Waits, unless it is aborted. */
async function pass(milliseconds: number, signal: AbortSignal): Promise<void> {
  await new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, Math.max(0, milliseconds))
    signal.addEventListener('abort', () => {
      clearTimeout(timer)
      resolve()
    })
  })
  signal.throwIfAborted()
}
