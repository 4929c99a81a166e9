import { createRequest, useClient, type AnyVariables, type DocumentInput } from 'urql'

/**
 * How to read a query of the page again. Unlike the function that `useQuery` returns, it keeps the query followed meanwhile:
 * transitions are shown, and an answer on its way is not thrown away.
 */
export function useReadAgain<Data, Variables extends AnyVariables>(
  document: DocumentInput<Data, Variables>,
  variables: Variables,
): () => void {
  const client = useClient()
  return () => {
    const request = createRequest(document, variables)
    client.reexecuteOperation(
      client.createRequestOperation('query', request, { requestPolicy: 'network-only' }),
    )
  }
}
