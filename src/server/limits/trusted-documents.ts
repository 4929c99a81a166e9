import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { GraphQLError, type DocumentNode, type GraphQLSchema } from 'graphql'
import { z } from 'zod'
import { clientError } from '../../graphql/errors.ts'
import { problemsOf } from '../document-rules.ts'
import type { Sent } from '../parameters.ts'

const FILE = z.record(z.string(), z.string())
const REFERENCE = z.object({ persistedQuery: z.object({ sha256Hash: z.string() }) })

export interface TrustedDocuments {
  /** The parameters with the document that they refer to. Throws when it is not known, or not trusted. */
  resolve(params: Sent): Sent
}

/** Without a file, every document may be run, and a reference to one is nothing. */
export const EVERY_DOCUMENT: TrustedDocuments = { resolve: (params) => params }

/**
 * Reads a JSON object of documents by the SHA-256 of their text, in hexadecimal, and holds each against the schema and the
 * limits. Throws one error that lists everything that is wrong.
 */
export async function readTrustedDocuments(
  { path, only }: { path: string; only: boolean },
  parse: (text: string) => DocumentNode,
  schema: GraphQLSchema,
): Promise<TrustedDocuments> {
  const documents = await read(path)
  const problems = Object.entries(documents).flatMap(([hash, text]) =>
    wrongWith(hash, text, parse, schema).map((problem) => `  ${hash.slice(0, 64)} ${problem}`),
  )
  if (problems.length > 0) throw wrong(path, ['has documents that cannot be run:', ...problems].join('\n'))
  const byHash = new Map(Object.entries(documents))
  const texts = new Set(byHash.values())

  return {
    resolve(params) {
      const reference = REFERENCE.safeParse(params.extensions)
      if (reference.success) {
        const query = byHash.get(reference.data.persistedQuery.sha256Hash)
        if (query === undefined) {
          throw clientError('DOCUMENT_NOT_TRUSTED', 'There is no trusted document with this hash.')
        }
        return { ...params, query }
      }
      if (only && !texts.has(params.query as string)) {
        throw clientError(
          'DOCUMENT_NOT_TRUSTED',
          'Only trusted documents are run. Send the hash of one as extensions.persistedQuery.sha256Hash, or its exact text.',
        )
      }
      return params
    },
  }
}

async function read(path: string): Promise<Record<string, string>> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    throw wrong(path, `cannot be read: ${(error as Error).message}.`)
  })
  try {
    return FILE.parse(JSON.parse(text))
  } catch {
    throw wrong(path, 'must be a JSON object with the text of each document under its SHA-256.')
  }
}

function wrongWith(
  hash: string,
  text: string,
  parse: (text: string) => DocumentNode,
  schema: GraphQLSchema,
): string[] {
  const right = createHash('sha256').update(text).digest('hex')
  if (hash !== right) return [`is not the SHA-256 of its document, which is ${right}.`]
  try {
    return problemsOf(schema, parse(text), true).map(({ message }) => message)
  } catch (error) {
    if (error instanceof GraphQLError) return [error.message]
    throw error
  }
}

function wrong(path: string, problem: string): Error {
  return new Error(`TRUSTED_DOCUMENTS: ${path} ${problem}`)
}
