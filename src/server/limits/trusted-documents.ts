import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { GraphQLError, type DocumentNode, type GraphQLSchema } from 'graphql'
import type { Logger } from 'pino'
import { z } from 'zod'
import { problemsOf } from '../document-rules.ts'

/** What relay-compiler, the client preset of GraphQL Code Generator and gql.tada write: texts by their ids. */
const BY_ID = z.record(z.string(), z.string())

/** What Apollo's generate-persisted-query-manifest writes. */
const MANIFEST = z.object({
  format: z.literal('apollo-persisted-query-manifest'),
  operations: z.array(z.object({ id: z.string(), body: z.string() })),
})

export interface TrustedDocumentsOptions {
  paths: readonly string[]
  parse: (text: string) => DocumentNode
  schema: GraphQLSchema
  log: Logger
}

/** The documents of an operator's files, by their ids. */
export interface TrustedDocuments {
  byId: ReadonlyMap<string, string>
  texts: ReadonlySet<string>
  /** The ids of those that cannot be run and are left out. */
  misfits: ReadonlySet<string>
}

/**
 * Reads files of trusted documents, and holds each document against the schema and the limits. One that does not fit is logged
 * and left out. Throws when a file cannot be read.
 */
export async function readTrustedDocuments(options: TrustedDocumentsOptions): Promise<TrustedDocuments> {
  const { paths, log } = options
  const byId = new Map<string, string>()
  const misfits = new Set<string>()
  for (const path of paths) {
    for (const [written, text] of await read(path)) {
      const id = bareId(written)
      const problem = problemWith(id, text, byId.get(id), options)
      if (problem === undefined) {
        byId.set(id, text)
        continue
      }
      misfits.add(id)
      log.warn({ path, id, problem }, 'a trusted document cannot be run, and is left out')
    }
  }
  return { byId, texts: new Set(byId.values()), misfits }
}

/** An id without the prefix that names its algorithm, which some tools and clients write. */
export function bareId(id: string): string {
  return id.replace(/^sha256:/i, '')
}

export function isSha256(id: string): boolean {
  return /^[0-9a-f]{64}$/.test(id)
}

/** Whether an id is a SHA-256, and then not that of the text. */
export function isHashOfOther(id: string, text: string): boolean {
  return isSha256(id) && createHash('sha256').update(text).digest('hex') !== id
}

async function read(path: string): Promise<[id: string, text: string][]> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    throw wrong(path, `cannot be read: ${(error as Error).message}.`)
  })
  const content = jsonOf(text)
  const manifest = MANIFEST.safeParse(content)
  if (manifest.success) return manifest.data.operations.map(({ id, body }) => [id, body])
  const record = BY_ID.safeParse(content)
  if (record.success) return Object.entries(record.data)
  throw wrong(
    path,
    'must be a JSON object with the text of each document under its id, or a manifest of Apollo.',
  )
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function problemWith(
  id: string,
  text: string,
  known: string | undefined,
  { parse, schema }: TrustedDocumentsOptions,
): string | undefined {
  if (known !== undefined && known !== text) return 'Another document has the same id.'
  if (isHashOfOther(id, text)) return 'The id is not the SHA-256 of the document.'
  try {
    return problemsOf(schema, parse(text), true)[0]?.message
  } catch (error) {
    if (error instanceof GraphQLError) return error.message
    throw error
  }
}

function wrong(path: string, problem: string): Error {
  return new Error(`TRUSTED_DOCUMENTS: ${path} ${problem}`)
}
