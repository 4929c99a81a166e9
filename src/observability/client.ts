import { withoutSecrets } from './secrets.ts'

/** How a client names itself, for the log. It is not in the metrics: a client could make new series. */
export interface Client {
  name: string | undefined
  version: string | undefined
}

const UNNAMED: Client = { name: undefined, version: undefined }

const MAX_LENGTH = 64
/** A credential that is cut is not recognised any more, so more is searched than is shown. */
const MAX_SEARCHED = 4_096
const UNPRINTABLE = /[^ -~]/g

/** How many clients are remembered at most. */
const KNOWN = 1_000

/** Clients by the names that they send: those of one name are one object, so what is made of it is made once. */
export class Clients {
  readonly #known = new Map<string, Client>()

  /** The client, by the headers of its request or by what came with `connection_init`, under the names that clients use. */
  of(sent: Readonly<Record<string, unknown>>): Client {
    const name = sent['graphql-client-name'] ?? sent['apollographql-client-name']
    const version = sent['graphql-client-version'] ?? sent['apollographql-client-version']
    if (name === undefined && version === undefined) return UNNAMED
    const client = { name: shown(name), version: shown(version) }
    const key = `${client.name ?? ''}\n${client.version ?? ''}`
    const known = this.#known.get(key)
    if (known) return known
    if (this.#known.size >= KNOWN) this.#known.clear()
    this.#known.set(key, client)
    return client
  }
}

function shown(value: unknown): string | undefined {
  if (typeof value !== 'string' || value === '') return undefined
  const text = withoutSecrets(value.slice(0, MAX_SEARCHED)).replace(UNPRINTABLE, '?').slice(0, MAX_LENGTH)
  // In bytes of its own: a piece of a text keeps the whole text.
  return Buffer.from(text, 'latin1').toString('latin1')
}
