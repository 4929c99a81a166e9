import { useQuery, type AnyVariables, type DocumentInput } from 'urql'
import { pagingOf, type Address } from '../address.ts'
import { useExistingPage, type Listed } from '../widgets/pager.tsx'
import { useKept } from '../widgets/table.ts'
import { useReadAgain } from './read-again.ts'

/**
 * Reads what a page shows, and keeps what was there until there is something new. `listOf` finds the list in it whose pages
 * the address goes through.
 */
export function usePageQuery<Data, Variables extends AnyVariables>(
  address: Address,
  document: DocumentInput<Data, Variables>,
  variables: Variables,
  listOf: (data: Data) => Listed | undefined,
) {
  const [{ data, fetching, stale, error }] = useQuery<Data>({
    query: document as DocumentInput<Data>,
    variables,
  })
  useExistingPage(address, pagingOf(address), fetching || stale || !data ? undefined : listOf(data))
  return { data: useKept(data), fetching, error, readAgain: useReadAgain(document, variables) }
}
