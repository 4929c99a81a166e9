import { useRef, useState } from 'react'
import {
  CombinedError,
  useClient,
  type AnyVariables,
  type Client,
  type DocumentInput,
  type OperationResult,
} from 'urql'
import type { PayloadOf } from '../api/graphql.ts'
import type { Refusal } from '../api/refusals.ts'

/** The outcome of a change. */
export type Outcome<Payload> =
  | { is: 'sending' }
  | { is: 'done'; payload: Payload }
  | { is: 'refused'; refusal: Refusal }
  | { is: 'failed'; error: CombinedError }

/** Asks for a change, and gives its outcome. */
export async function ask<Data extends object, Variables extends AnyVariables>(
  client: Client,
  document: DocumentInput<Data, Variables>,
  variables: Variables,
): Promise<Exclude<Outcome<PayloadOf<Data>>, { is: 'sending' }>> {
  const { data, error }: OperationResult<Data> = await client.mutation(document, variables).toPromise()
  const answer: unknown = Object.values(data ?? {}).find((value) => typeof value === 'object')
  if (error ?? !answer) return { is: 'failed', error: error ?? new CombinedError({}) }
  return (answer as { __typename: string }).__typename.endsWith('Payload')
    ? { is: 'done', payload: answer as PayloadOf<Data> }
    : { is: 'refused', refusal: answer as Refusal }
}

/** The fields of the input that an error is about: malformed input is no refusal, and has the paths of what is wrong. */
export function argumentsIn({ graphQLErrors: [first] }: CombinedError): string[] {
  const paths = (first?.extensions as { arguments?: readonly string[] } | undefined)?.arguments ?? []
  return paths.flatMap((path) => path.split('.')[1] ?? [])
}

/** Asks for one change at a time: a second click while one is in progress does nothing. */
export function useChange<Data extends object, Variables extends AnyVariables>(
  document: DocumentInput<Data, Variables>,
) {
  const client = useClient()
  const [outcome, setOutcome] = useState<Outcome<PayloadOf<Data>>>()
  const sending = useRef(false)
  return {
    outcome,
    refusal: outcome?.is === 'refused' ? outcome.refusal : undefined,
    /** Answers the payload; undefined when it was refused, failed, or another one is in progress. */
    send: async (variables: Variables): Promise<PayloadOf<Data> | undefined> => {
      if (sending.current) return undefined
      sending.current = true
      setOutcome({ is: 'sending' })
      const became = await ask(client, document, variables)
      sending.current = false
      setOutcome(became)
      return became.is === 'done' ? became.payload : undefined
    },
  }
}

/** Client tokens: the same input is the same wish, also when it is sent again, so it is done once. */
export function useClientTokens(): (input: object) => string {
  const tokens = useRef(new Map<string, string>())
  return (input) => {
    const wish = JSON.stringify(input)
    const token = tokens.current.get(wish) ?? randomToken()
    tokens.current.set(wish, token)
    return token
  }
}

/** Not by `randomUUID`, which browsers have only where the page came over TLS or from this machine. */
function randomToken(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) =>
    byte.toString(16).padStart(2, '0'),
  ).join('')
}
