import { createContext } from 'react'
import { forTab } from './storage.ts'

/**
 * The credential of this tab. It is kept in sessionStorage: gone with the tab, not shared with others, and not sent by the
 * browser on its own, so that no foreign page can use it (docs/decisions/0029).
 */
const KEY = 'snapgate:token'

let token = forTab.get(KEY)

/** The `Authorization` of requests and of `connection_init`; undefined while nobody is signed in. */
export function authorization(): string | undefined {
  return token === null ? undefined : `Bearer ${token}`
}

export function keepToken(given: string): void {
  token = given
  forTab.set(KEY, given)
}

export function forgetToken(): void {
  token = null
  forTab.remove(KEY)
}

/** Has this tab go on with another credential, and what it shows stay. */
export const SignInContext = createContext<(token: string) => void>(() => undefined)
