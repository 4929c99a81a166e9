import { Alert, Button, Input, type InputRef } from 'antd'
import { useEffect, useRef, useState } from 'react'
import { useWords } from '../settings.tsx'
import { Page } from '../widgets/page.tsx'

/** A socket is closed with nothing but a sentence, so that is all there is to go by. */
const EXPIRED = /\bexpired\b/

interface SignInProps {
  /** Why the gateway does not accept the token that there was, in its own words; undefined when there was none. */
  why: string | undefined
  onToken: (token: string) => void
}

export function SignIn({ why, onToken }: SignInProps) {
  const words = useWords()
  const field = useRef<InputRef>(null)
  useEffect(() => field.current?.focus(), [])
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
        {why !== undefined && (
          <Alert
            type="error"
            showIcon
            title={EXPIRED.test(why) ? words.sessionExpired : words.tokenRefused}
            description={words.errorMessage('UNAUTHENTICATED', why)}
          />
        )}
        <label htmlFor="token">{words.token}</label>
        <Input.Password
          ref={field}
          id="token"
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
