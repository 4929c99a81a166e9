import { Suspense, useCallback, useState } from 'react'
import { createRoot } from 'react-dom/client'
import { RelayEnvironmentProvider } from 'react-relay'
import { environment } from './environment.ts'
import { CreateForm, LiveList, type Step } from './live.tsx'

/** The page of the other examples, by React. */
function Page() {
  const [steps, setSteps] = useState<readonly Step[]>([])
  const onStep = useCallback((step: Step) => setSteps((before) => [...before, step]), [])
  return (
    <RelayEnvironmentProvider environment={environment}>
      <CreateForm />
      <Suspense>
        <LiveList onStep={onStep} />
      </Suspense>
      <ol>
        {steps.map(({ sequence, snapshotId, from, to }) => (
          <li key={sequence}>{`${sequence} ${snapshotId} ${from ?? '-'} ${to}`}</li>
        ))}
      </ol>
    </RelayEnvironmentProvider>
  )
}

createRoot(document.body.appendChild(document.createElement('main'))).render(<Page />)
