import { Alert } from 'antd'
import { graphql } from '../api/graphql.ts'
import { TOKEN, type Token } from '../api/token.ts'
import { useWords } from '../settings.tsx'
import { useChange } from './change.ts'
import { Dialog, Trouble, useAsked, type Asked } from './dialog.tsx'
import { useNotice } from './wanted-snapshot.tsx'

const REVOKE_TOKEN = graphql(
  `
    mutation RevokeToken($input: RevokeApiTokenInput!) {
      revokeApiToken(input: $input) {
        __typename
        ... on RevokeApiTokenPayload {
          apiToken {
            ...Token
          }
        }
        ... on ApiTokenNotFound {
          message
        }
      }
    }
  `,
  [TOKEN],
)

interface RevokeTokenProps {
  token: Token
  onDone: (() => void) | undefined
}

/** Confirms that the API token that `revoke-token` names in the address is to be revoked. */
export function RevokeToken({ token, onDone }: RevokeTokenProps) {
  const { opened, ...asked } = useAsked('revoke-token')
  return <RevokeDialog key={opened} asked={asked} token={token} onDone={onDone} />
}

function RevokeDialog({ asked, token, onDone }: RevokeTokenProps & { asked: Asked }) {
  const { access: words } = useWords()
  const notice = useNotice()
  const { outcome, send } = useChange(REVOKE_TOKEN)

  async function submit(): Promise<void> {
    if (!(await send({ input: { id: token.id } }))) return
    onDone?.()
    asked.close()
    notice(words.revoked(token.name))
  }

  return (
    <Dialog
      asked={asked}
      title={words.revokeTitle}
      verb={words.revoke}
      needs="manageTokens"
      danger
      sending={outcome?.is === 'sending'}
      submit={submit}
    >
      <Alert
        type="warning"
        showIcon
        title={words.revokeQuestion(token.name)}
        description={words.revokeEffect}
      />
      <Trouble outcome={outcome} />
    </Dialog>
  )
}
