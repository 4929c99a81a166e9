import { Alert } from 'antd'
import { useState } from 'react'
import { useLocation } from 'wouter'
import { graphql } from '../api/graphql.ts'
import { useFormat } from '../format.ts'
import { useWords } from '../settings.tsx'
import { useConnectionWords } from '../words/connections.ts'
import { useChange } from './change.ts'
import { Confirmation, useIsConfirmed } from './confirmation.tsx'
import { Dialog, Trouble, useAsked, type Asked } from './dialog.tsx'
import { useWantedConnection } from './wanted-connection.ts'
import { NothingYet, useNotice } from './wanted-snapshot.tsx'

const DELETE_CONNECTION = graphql(`
  mutation DeleteConnection($input: DeleteConnectionInput!) {
    deleteConnection(input: $input) {
      __typename
      ... on DeleteConnectionPayload {
        connectionId
      }
      ... on ConnectionNotFound {
        message
      }
    }
  }
`)

interface DeleteConnectionProps {
  onDone: (() => void) | undefined
}

/** Confirms that the connection that `delete-connection` names in the address is to be deleted. */
export function DeleteConnection({ onDone }: DeleteConnectionProps) {
  const { opened, ...asked } = useAsked('delete-connection')
  return <DeleteDialog key={opened} asked={asked} onDone={onDone} />
}

function DeleteDialog({ asked, onDone }: DeleteConnectionProps & { asked: Asked }) {
  const words = useConnectionWords()
  const { delete: verb } = useWords()
  const format = useFormat()
  const notice = useNotice()
  const [path, navigate] = useLocation()
  const { connection, counts, ...wanted } = useWantedConnection(asked)
  const { outcome, send } = useChange(DELETE_CONNECTION)
  const [typed, setTyped] = useState('')
  const isConfirmed = useIsConfirmed()

  async function submit(): Promise<void> {
    if (!connection || !(await send({ input: { connectionId: connection.id } }))) return
    // Its own page has nothing to show any more.
    if (path === `/connections/${connection.id}`) navigate('/connections', { replace: true })
    else {
      onDone?.()
      asked.close()
    }
    notice(words.deleted(connection.name))
  }

  return (
    <Dialog
      asked={asked}
      title={words.deleteTitle}
      verb={verb}
      needs="manageConnections"
      danger
      ready={connection !== undefined && isConfirmed(typed)}
      sending={outcome?.is === 'sending'}
      submit={submit}
    >
      {(!connection || !counts) && <NothingYet {...wanted} />}
      {connection && counts && (
        <>
          <Alert
            type="warning"
            showIcon
            title={words.question(connection.name)}
            description={words.loss(format.number(counts.disks), format.number(counts.snapshots))}
          />
          <Confirmation value={typed} onChange={setTyped} />
        </>
      )}
      <Trouble outcome={outcome} />
    </Dialog>
  )
}
