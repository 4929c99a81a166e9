import { GraphQLError } from 'graphql'

/** The parameters of a request as its client sent them. */
export type Sent = Readonly<Record<string, unknown>>

/** The parameters of a request to GraphQL. Source: GraphQL over HTTP, "Request Parameters". */
export interface Parameters extends Sent {
  query: string
  operationName?: string | null
  variables?: Readonly<Record<string, unknown>> | null
  extensions?: Readonly<Record<string, unknown>> | null
}

const NAMES = new Set(['query', 'documentId', 'operationName', 'variables', 'extensions'])

/** Throws unless these are parameters of GraphQL. The transports have checked that `operationName` is a string. */
export function checkParameters(sent: Sent): asserts sent is Parameters {
  for (const name in sent) {
    if (!NAMES.has(name) && sent[name] !== null && sent[name] !== undefined)
      throw refused(`Unexpected parameter "${name}" in the request body.`)
  }
  const { query, variables, extensions } = sent
  if (query === null || query === undefined) {
    throw refused('Must provide query string.', ALLOW)
  }
  if (typeof query !== 'string') {
    throw refused(`Expected "query" param to be a string, but given ${kindOf(query)}.`, ALLOW)
  }
  checkObject('variables', variables)
  checkObject('extensions', extensions)
}

function checkObject(name: string, value: unknown): void {
  if (value === undefined || value === null || (typeof value === 'object' && !Array.isArray(value))) return
  const message = `Expected "${name}" param to be empty or an object, but given ${kindOf(value)}.`
  throw refused(message, ALLOW)
}

/** What the answer to a request without usable parameters says of methods. */
const ALLOW = { allow: 'GET, POST' }

function refused(message: string, headers: Record<string, string> = {}): GraphQLError {
  return new GraphQLError(message, { extensions: { code: 'BAD_REQUEST', http: { headers } } })
}

function kindOf(value: unknown): string {
  return Array.isArray(value) ? 'array' : typeof value
}
