import { Alert, Checkbox } from 'antd'
import { useState } from 'react'
import { CONNECTION, type DetailedConnection } from '../api/connection.ts'
import { graphql } from '../api/graphql.ts'
import { CREDENTIALS_REFUSAL, NAME_REFUSAL } from '../api/refusals.ts'
import { useWords } from '../settings.tsx'
import { useConnectionWords } from '../words/connections.ts'
import { useChange } from './change.ts'
import { useProblems } from './create-connection.tsx'
import { credentialsInput, CredentialsFields, noCredentials } from './credentials.tsx'
import { Dialog, Trouble, useAsked, type Asked } from './dialog.tsx'
import { NameField, useFirstField } from './field.tsx'
import { useWantedConnection } from './wanted-connection.ts'
import { NothingYet, useNotice } from './wanted-snapshot.tsx'

const UPDATE_CONNECTION = graphql(
  `
    mutation UpdateConnection($input: UpdateConnectionInput!) {
      updateConnection(input: $input) {
        __typename
        ... on UpdateConnectionPayload {
          connection {
            ...Connection
          }
        }
        ...NameRefusal
        ...CredentialsRefusal
        ... on ConnectionNotFound {
          message
        }
      }
    }
  `,
  [CONNECTION, NAME_REFUSAL, CREDENTIALS_REFUSAL],
)

/** The refusals that are said at a field. */
const AT_FIELDS = ['InvalidName', 'ConnectionCredentialsRefused'] as const

/** Renames the connection that `edit-connection` names in the address, and replaces its credentials. */
export function EditConnection() {
  const { opened, ...asked } = useAsked('edit-connection')
  return <WantedDialog key={opened} asked={asked} />
}

function WantedDialog({ asked }: { asked: Asked }) {
  const words = useConnectionWords()
  const { confirm } = useWords()
  const { connection, error, missing } = useWantedConnection(asked)
  if (connection) return <EditDialog asked={asked} connection={connection} />
  return (
    <Dialog
      asked={asked}
      title={words.editTitle}
      verb={confirm}
      needs="manageConnections"
      ready={false}
      sending={false}
      submit={() => Promise.resolve()}
    >
      <NothingYet error={error} missing={missing} />
    </Dialog>
  )
}

function EditDialog({ asked, connection }: { asked: Asked; connection: DetailedConnection }) {
  const words = useConnectionWords()
  const { confirm } = useWords()
  const notice = useNotice()
  const { outcome, refusal, send } = useChange(UPDATE_CONNECTION)
  const problems = useProblems(outcome)
  const [name, setName] = useState(connection.name)
  const [replaces, setReplaces] = useState(false)
  const [typed, setTyped] = useState(noCredentials(connection.provider))
  const firstName = useFirstField(asked.open)
  const credentials = replaces ? credentialsInput(typed) : undefined

  async function submit(): Promise<void> {
    if (name === connection.name && !replaces) {
      asked.close()
      return
    }
    const payload = await send({
      input: {
        connectionId: connection.id,
        ...(name !== connection.name && { name }),
        ...(credentials && { credentials }),
      },
    })
    if (!payload) return
    asked.close()
    notice(words.changed(payload.connection.name))
  }

  return (
    <Dialog
      asked={asked}
      title={words.editTitle}
      verb={confirm}
      needs="manageConnections"
      ready={!replaces || credentials !== undefined}
      sending={outcome?.is === 'sending'}
      submit={submit}
    >
      <NameField ref={firstName} label={words.name} value={name} onChange={setName} refusal={refusal} />
      <Checkbox checked={replaces} onChange={({ target }) => setReplaces(target.checked)}>
        {words.replace}
      </Checkbox>
      <p className="hint">{words.replaceHint}</p>
      {replaces && (
        <CredentialsFields
          provider={connection.provider}
          value={typed}
          onChange={setTyped}
          problem={problems.credentials}
        />
      )}
      <Alert type="info" showIcon title={words.editHint} />
      {problems.isElsewhere && <Trouble outcome={outcome} besides={AT_FIELDS} />}
    </Dialog>
  )
}
