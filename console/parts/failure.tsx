import { Alert, Button } from 'antd'
import type { CombinedError } from 'urql'
import { useWords } from '../settings.tsx'
import { Copyable } from './copyable.tsx'

/** What went wrong with a request, with what to tell whoever runs the gateway. */
export function Failure({ error, retry }: { error: CombinedError; retry?: () => void }) {
  const words = useWords()
  const [first] = error.graphQLErrors
  const { code, requestId } = (first?.extensions ?? {}) as { code?: string; requestId?: string }
  return (
    <Alert
      type="error"
      showIcon
      title={error.networkError ? words.unreachable : words.errorTitle}
      description={
        <div className="failure">
          <p>{first?.message ?? error.networkError?.message}</p>
          {code !== undefined && (
            <p>
              {words.errorCode}: <Copyable text={code} />
            </p>
          )}
          {requestId !== undefined && (
            <p>
              {words.requestId}: <Copyable text={requestId} />
            </p>
          )}
        </div>
      }
      action={retry && <Button onClick={retry}>{words.retry}</Button>}
    />
  )
}
