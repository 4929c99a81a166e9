import type { DocumentNode } from 'graphql'

/**
 * How many tokens the documents may have together that are kept parsed and validated. A token takes half a KiB of memory,
 * regardless of the length of its text: 20 MiB in all.
 */
const MAX_TOKENS = 40_000

/** Parsed documents by their text; those that have not been used for longest make room for new ones. */
export function createDocumentCache(): {
  get: (text: string) => DocumentNode | undefined
  set: (text: string, document: DocumentNode) => void
} {
  const documents = new Map<string, DocumentNode>()
  let tokens = 0
  return {
    get(text) {
      const document = documents.get(text)
      if (document) {
        documents.delete(text)
        documents.set(text, document)
      }
      return document
    },
    set(text, document) {
      documents.set(text, document)
      tokens += weightOf(text, document)
      for (const [oldest, first] of documents) {
        if (tokens <= MAX_TOKENS) break
        documents.delete(oldest)
        tokens -= weightOf(oldest, first)
      }
    },
  }
}

/** In tokens; long texts count for their length. */
function weightOf(text: string, { tokenCount = 1_000 }: DocumentNode & { tokenCount?: number }): number {
  return tokenCount + text.length / 128
}
