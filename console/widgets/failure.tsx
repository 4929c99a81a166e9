import { Alert, Button } from 'antd'
import type { CombinedError } from 'urql'
import { useWords } from '../settings.tsx'
import { Copyable } from './copyable.tsx'

interface FailureProps {
  error: CombinedError
  /** What could not be done, where that was more than reading. */
  title?: string
  retry?: () => void
}

/** What went wrong with a request, with what its operator needs to find it in the log. */
export function Failure({ error, title, retry }: FailureProps) {
  const words = useWords()
  const [first] = error.graphQLErrors
  const { code, requestId } = (first?.extensions ?? {}) as { code?: string; requestId?: string }
  return (
    <Alert
      type="error"
      showIcon
      title={error.networkError ? words.unreachable : (title ?? words.errorTitle)}
      description={
        <div className="failure">
          <p>{words.errorMessage(code, first?.message ?? error.networkError?.message ?? '')}</p>
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
