import { App } from 'antd'
import { useState } from 'react'
import { useClient } from 'urql'
import { useAddress } from '../address.ts'
import { CONNECTION, type Connection } from '../api/connection.ts'
import { graphql } from '../api/graphql.ts'
import { ask, type Outcome } from '../dialogs/change.ts'
import { useFormat } from '../format.ts'
import { useWords } from '../settings.tsx'
import { useConnectionWords } from '../words/connections.ts'
import { RowActions, type Action } from '../widgets/actions.tsx'
import { reasonOf } from '../widgets/connection-state.tsx'
import { explain } from '../widgets/refusal.ts'

const TEST_CONNECTION = graphql(
  `
    mutation TestConnection($input: TestConnectionInput!) {
      testConnection(input: $input) {
        __typename
        ... on TestConnectionPayload {
          connection {
            ...Connection
          }
        }
        ... on ConnectionNotFound {
          message
        }
      }
    }
  `,
  [CONNECTION],
)

const REFRESH_CONNECTION = graphql(
  `
    mutation RefreshConnection($input: RefreshConnectionInput!) {
      refreshConnection(input: $input) {
        __typename
        ... on RefreshConnectionPayload {
          connection {
            ...Connection
          }
        }
        ... on ConnectionNotFound {
          message
        }
      }
    }
  `,
  [CONNECTION],
)

interface ConnectionActionsProps {
  connection: Connection
  shown: number
  type: 'link' | 'default'
}

/** What can be done with a connection. */
export function ConnectionActions({ connection, shown, type }: ConnectionActionsProps) {
  const { edit, delete: remove } = useWords()
  const words = useConnectionWords()
  const address = useAddress()
  const { message } = App.useApp()
  const why = useWhy()
  const client = useClient()
  const [testing, setTesting] = useState(false)
  const { id, name } = connection

  async function test(): Promise<void> {
    setTesting(true)
    const outcome = await ask(client, TEST_CONNECTION, { input: { connectionId: id } })
    setTesting(false)
    const trouble = why(outcome)
    if (trouble !== undefined) void message.error(trouble)
    else void message.success(words.works(name))
  }

  async function sync(): Promise<void> {
    const outcome = await ask(client, REFRESH_CONNECTION, { input: { connectionId: id } })
    if (outcome.is === 'done') void message.success(words.syncing(name))
    else void message.error(why(outcome))
  }

  const opening = (key: string, label: string): Action => ({
    key,
    label,
    needs: 'manageConnections',
    run: () => address.change({ [key]: id }),
  })
  const actions: Action[] = [
    {
      key: 'test',
      label: words.test,
      needs: 'manageConnections',
      run: () => void test(),
      refusal: testing ? words.testing : undefined,
    },
    { key: 'sync', label: words.sync, needs: 'manageSnapshots', run: () => void sync() },
    opening('edit-connection', edit),
    { ...opening('delete-connection', remove), danger: true },
  ]
  return <RowActions of={name} type={type} shown={shown} actions={actions} />
}

/** Says how a call ended that went wrong, or the connection after it; undefined when all is well. */
function useWhy() {
  const words = useWords()
  const { fails } = useConnectionWords()
  const format = useFormat()
  return (outcome: Exclude<Outcome<{ connection: Connection }>, { is: 'sending' }>): string | undefined => {
    if (outcome.is === 'refused') return explain(outcome.refusal, words, format)
    if (outcome.is === 'failed') {
      const [first] = outcome.error.graphQLErrors
      if (!first) return words.unreachable
      return words.errorMessage(first.extensions['code'] as string | undefined, first.message)
    }
    const { connection } = outcome.payload
    if (connection.state === 'OK') return undefined
    const reason = reasonOf(connection, words)
    const text = fails(connection.name, words.connectionState[connection.state])
    return reason === undefined ? text : `${text}. ${reason}`
  }
}
