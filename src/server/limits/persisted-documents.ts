import type { Logger } from 'pino'
import { z } from 'zod'
import { quoted } from '../../domain/echo.ts'
import { clientError } from '../../graphql/errors.ts'
import type { Sent } from '../parameters.ts'
import { RegisteredDocuments } from './registered-documents.ts'
import {
  bareId,
  isHashOfOther,
  isSha256,
  readTrustedDocuments,
  type TrustedDocuments,
  type TrustedDocumentsOptions,
} from './trusted-documents.ts'

const REFERENCE = z.object({ persistedQuery: z.object({ sha256Hash: z.string() }) })

export interface PersistedDocumentsOptions extends Omit<TrustedDocumentsOptions, 'paths'> {
  /** The files of trusted documents, and whether those are the only documents that are run. */
  trustedDocuments: { paths: readonly string[]; only: boolean }
  /** What the documents may take that the clients of an account register, in bytes; 0 registers none. */
  registeredDocumentBytes: number
}

/** Reads the files of trusted documents. Throws when one cannot be read. */
export async function openPersistedDocuments(
  options: PersistedDocumentsOptions,
): Promise<PersistedDocuments> {
  const { trustedDocuments, registeredDocumentBytes, log } = options
  const read = () => readTrustedDocuments({ ...options, paths: trustedDocuments.paths })
  const registered = new RegisteredDocuments(registeredDocumentBytes)
  return new PersistedDocuments({ read, trusted: await read(), only: trustedDocuments.only, registered, log })
}

interface Parts {
  read: () => Promise<TrustedDocuments>
  trusted: TrustedDocuments
  only: boolean
  registered: RegisteredDocuments
  log: Logger
}

/** Documents that requests refer to instead of sending them: trusted ones, and those that clients have registered. */
export class PersistedDocuments {
  readonly #parts: Parts

  constructor(parts: Parts) {
    this.#parts = parts
  }

  /** Reads the files of trusted documents again; when that fails, those of before are kept. */
  async reload(): Promise<void> {
    const { read, log } = this.#parts
    try {
      this.#parts.trusted = await read()
      log.info({ documents: this.#parts.trusted.byId.size }, 'the trusted documents were read again')
    } catch (error) {
      log.error({ err: error }, 'the trusted documents cannot be read again: those of before are kept')
    }
  }

  /** Whether a document is a trusted one. */
  isTrusted(text: string): boolean {
    return this.#parts.trusted.texts.has(text)
  }

  /** The parameters with the document that they refer to. Throws when it is not known, or not trusted. */
  resolve(sent: Sent, accountId: string): Sent {
    const id = referenceIn(sent)
    if (id !== undefined) return { ...sent, documentId: undefined, query: this.#textOf(id, sent, accountId) }
    if (this.#parts.only && !this.isTrusted(sent['query'] as string)) {
      throw notTrusted(
        'Only trusted documents are run. Send the id of one as documentId or extensions.persistedQuery.sha256Hash, or its exact text.',
      )
    }
    return sent
  }

  #textOf(id: string, { query }: Sent, accountId: string): unknown {
    const { registered, only } = this.#parts
    const { byId, misfits } = this.#parts.trusted
    const trusted = byId.get(id)
    if (trusted !== undefined) return trusted
    // Why, is for the log only: it would tell of the schema.
    if (misfits.has(id))
      throw notTrusted(`The trusted document ${quoted(id)} does not fit the gateway's schema or limits.`)
    if (only) throw notTrusted(`There is no trusted document ${quoted(id)}.`)
    // A WebSocket message must have a query, which is empty there.
    const text = typeof query === 'string' && query !== '' ? query : undefined
    if (text === undefined) return this.#registeredText(id, accountId)
    if (isHashOfOther(id, text)) {
      throw clientError('BAD_REQUEST', 'The hash of the persisted query is not the SHA-256 of its text.')
    }
    if (isSha256(id) && registered.isOn) registered.register(accountId, id, text)
    return text
  }

  /** The messages are those that Apollo Client and urql look for, to send the text after that. */
  #registeredText(id: string, accountId: string): string {
    const { registered } = this.#parts
    if (!registered.isOn) throw clientError('PERSISTED_QUERY_NOT_SUPPORTED', 'PersistedQueryNotSupported')
    const text = registered.get(accountId, id)
    if (text === undefined) throw clientError('PERSISTED_QUERY_NOT_FOUND', 'PersistedQueryNotFound')
    return text
  }
}

/**
 * The id of the document that a request refers to, without its prefix. Source: GraphQL over HTTP, "Persisted documents"
 * (draft), and Apollo's automatic persisted queries.
 */
function referenceIn({ documentId, extensions }: Sent): string | undefined {
  if (typeof documentId === 'string' && documentId !== '') return bareId(documentId)
  if (!extensions) return undefined
  const { data } = REFERENCE.safeParse(extensions)
  return data && bareId(data.persistedQuery.sha256Hash)
}

function notTrusted(message: string) {
  return clientError('DOCUMENT_NOT_TRUSTED', message)
}
