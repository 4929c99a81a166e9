import { Alert, Button, Input } from 'antd'
import { useState } from 'react'
import { Page } from '../parts/page.tsx'
import { useWords } from '../settings.tsx'

interface SignInProps {
  /** Whether there was a token that the gateway did not accept. */
  refused: boolean
  onToken: (token: string) => void
}

export function SignIn({ refused, onToken }: SignInProps) {
  const words = useWords()
  const [token, setToken] = useState('')
  const given = token.trim()
  return (
    <Page title={words.signIn}>
      <form
        className="card sign-in"
        onSubmit={(event) => {
          event.preventDefault()
          if (given) onToken(given)
        }}
      >
        <p>{words.signInHint}</p>
        {refused && <Alert type="error" showIcon title={words.tokenRefused} />}
        <label htmlFor="token">{words.token}</label>
        <Input.Password
          id="token"
          autoFocus
          autoComplete="off"
          value={token}
          onChange={({ target }) => setToken(target.value)}
        />
        <Button type="primary" htmlType="submit" disabled={!given}>
          {words.signIn}
        </Button>
      </form>
    </Page>
  )
}
