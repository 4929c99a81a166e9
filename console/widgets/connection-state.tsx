import type { Connection } from '../api/connection.ts'
import { useWords } from '../settings.tsx'
import type { Words } from '../words/en.ts'
import { Status, type Look } from './status.tsx'

const LOOKS: Record<Connection['state'], Look> = {
  UNTRIED: 'off',
  OK: 'good',
  CREDENTIALS_REFUSED: 'bad',
  UNREACHABLE: 'bad',
  THROTTLED: 'busy',
  CLOCK_WRONG: 'bad',
}

type Stated = Pick<Connection, 'state'> & Partial<Pick<Connection, 'stateReason' | 'stateReasons'>>

/** Why the last call of a connection failed; undefined if it did not. */
export function reasonOf({ stateReason, stateReasons = [] }: Stated, words: Words): string | undefined {
  return stateReason == null ? undefined : words.reason(stateReason, stateReasons)
}

export function ConnectionState({ of }: { of: Stated }) {
  const words = useWords()
  return (
    <Status look={LOOKS[of.state]} title={reasonOf(of, words)}>
      {words.connectionState[of.state]}
    </Status>
  )
}
