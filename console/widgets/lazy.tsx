import { Alert, Button, Skeleton } from 'antd'
import { Component, Suspense, use, useCallback, useState, type ComponentType, type ReactNode } from 'react'
import { checkVersion } from '../api/version.ts'
import { useWords } from '../settings.tsx'

/** How long after the first page what it may need next is loaded at the earliest, in milliseconds. */
const REST_MS = 2_000

interface Lazy<Props> {
  (props: Props): ReactNode
  /** Loads the part unless it is there; never rejects. */
  preload: () => Promise<void>
  isLoaded: () => boolean
}

/**
 * A part of the console that is loaded when it is first shown, with `waiting` in its place until then. When loading fails,
 * its place says so and offers a retry.
 */
export function lazyPart<Props extends object>(
  load: () => Promise<ComponentType<Props>>,
  waiting: ReactNode = <Skeleton active />,
): Lazy<Props> {
  let loading: Promise<ComponentType<Props>> | undefined
  let state: 'loading' | 'loaded' | 'failed' = 'loading'
  function start(): Promise<ComponentType<Props>> {
    if (!loading) {
      state = 'loading'
      loading = load()
      loading.then(
        () => {
          state = 'loaded'
        },
        () => {
          state = 'failed'
        },
      )
    }
    return loading
  }
  function forgetFailure(): void {
    if (state === 'failed') loading = undefined
  }

  function Loaded(props: Props) {
    const Part = use(start())
    // eslint-disable-next-line react-hooks/static-components -- the same one each time: what the promise resolved to
    return <Part {...props} />
  }

  function Place(props: Props) {
    const [attempt, setAttempt] = useState(() => {
      forgetFailure()
      return 0
    })
    const retry = useCallback(async () => {
      forgetFailure()
      try {
        await start()
      } catch {
        // Some browsers keep a failure for as long as the page lives. Where the gateway answers, a new page has another chance.
        if ((await checkVersion()) !== 'unreachable') location.reload()
      }
      setAttempt((before) => before + 1)
    }, [])
    return (
      <Boundary key={attempt} fallback={<NotLoaded retry={retry} />}>
        <Suspense fallback={waiting}>
          <Loaded {...props} />
        </Suspense>
      </Boundary>
    )
  }

  return Object.assign(Place, {
    preload: async () => {
      try {
        await start()
      } catch {
        // It is tried again when it is wanted.
      }
    },
    isLoaded: () => state === 'loaded',
  })
}

/** Loads these, one after the other, once the first page had its time and the browser has nothing else to do. Returns how to stop. */
export function preloadWhenIdle(parts: readonly Pick<Lazy<never>, 'preload'>[]): () => void {
  let stopped = false
  const run = async () => {
    for (const part of parts) if (!stopped) await part.preload()
  }
  const idle = window as Partial<Pick<Window, 'requestIdleCallback'>>
  const timer = setTimeout(() => {
    if (idle.requestIdleCallback) idle.requestIdleCallback(() => void run())
    else void run()
  }, REST_MS)
  return () => {
    stopped = true
    clearTimeout(timer)
  }
}

interface BoundaryProps {
  fallback: ReactNode
  children: ReactNode
}

class Boundary extends Component<BoundaryProps, { failed: boolean }> {
  override state = { failed: false }

  static getDerivedStateFromError() {
    return { failed: true }
  }

  override render() {
    return this.state.failed ? this.props.fallback : this.props.children
  }
}

/** Also for a fault in the part itself: the rest of the page stays. */
function NotLoaded({ retry }: { retry: () => Promise<void> }) {
  const words = useWords()
  const [retrying, setRetrying] = useState(false)
  return (
    <Alert
      type="error"
      showIcon
      title={words.notLoaded}
      description={words.notLoadedHint}
      action={
        <Button
          loading={retrying}
          onClick={() => {
            setRetrying(true)
            void retry().finally(() => setRetrying(false))
          }}
        >
          {words.retry}
        </Button>
      }
    />
  )
}
