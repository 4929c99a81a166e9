import { useEffect, useEffectEvent, useReducer } from 'react'

/** How long after its time a run is looked for, in milliseconds: it begins within 5 seconds. */
const BEGUN_MS = 8_000

/** How often a run is looked for that has not begun yet, or is pending, in milliseconds. */
const LOOK_MS = 15_000

/** The longest that a browser's timer waits, in milliseconds. */
const TIMER_MAX_MS = 2 ** 31 - 1

/** Reads again at the time of the next run, until its results are there: where no snapshot is taken, no transition says so. */
export function useRuns(next: string | undefined, isPending: boolean, readAgain: () => void): void {
  const [looks, countLook] = useReducer((count: number) => count + 1, 0)
  const look = useEffectEvent(() => {
    countLook()
    readAgain()
  })
  useEffect(() => {
    if (next === undefined) return undefined
    const begun = Date.parse(next) + BEGUN_MS - Date.now()
    const wait = isPending || begun < 0 ? LOOK_MS : Math.min(begun, TIMER_MAX_MS)
    const timer = setTimeout(() => look(), wait)
    return () => clearTimeout(timer)
  }, [next, isPending, looks])
}
