import type { Operation, OperationResult } from 'urql'
import type { LiveTransition } from '../api/transitions.ts'
import { newsOfChange, newsOfTransition, withNews, type News } from './news.ts'

/** Something said of disks and snapshots: by a change that was answered, or by a transition, which may be a deletion. */
interface Recent {
  news: News
  isChange?: true
  deletion?: OperationResult
}

/** What is waited for: its number, how much news there was when it was asked for, and whether the streams had begun. */
interface Asked {
  number: number
  seen: number
  begun: boolean
}

/**
 * What was asked for, and what came meanwhile. An answer may be given before a transition, or before a change, and arrive
 * after it: then what is older in it is replaced. Of two answers to the same query that overtake each other, the one asked
 * for first is dropped.
 */
export function createAnswers() {
  const asked = new Map<Operation, Asked>()
  let lastNumber = 0
  /** The number of the last answer to each query. */
  const answered = new Map<number, number>()
  /** What came while something was waited for. */
  let recent: Recent[] = []

  function forget(operation: Operation): void {
    asked.delete(operation)
    if (asked.size === 0) recent = []
  }

  /** The answer, amended by what was `said` meanwhile, and then again the deletions, which the cache has yet to drop. */
  function amend(result: OperationResult, said: Recent[], missed: Recent[]): OperationResult[] {
    const data: unknown = withNews(
      result.data,
      said.map(({ news }) => news),
    )
    const deletions = missed.map(({ deletion }) => deletion).filter((one) => one !== undefined)
    return [{ ...result, data }, ...deletions]
  }

  return {
    ask(operation: Operation, begun: boolean): void {
      asked.set(operation, { number: ++lastNumber, seen: recent.length, begun })
    },

    /** Nobody waits for this query or change any more. */
    tearDown(key: number): void {
      answered.delete(key)
      for (const waiting of asked.keys()) if (waiting.key === key) forget(waiting)
    },

    hear(transition: LiveTransition, result: OperationResult): void {
      if (asked.size === 0) return
      const isDeletion = transition.to === 'DELETED'
      recent.push({ news: newsOfTransition(transition), ...(isDeletion && { deletion: result }) })
    },

    /** What to pass on of an answer, and whether it was asked for after the streams had begun; undefined when nobody asked. */
    settle(result: OperationResult): { results: OperationResult[]; begun: boolean } | undefined {
      const { key, kind } = result.operation
      const asking = asked.get(result.operation)
      if (!asking) return undefined
      const { number, begun } = asking
      const missed = recent.slice(asking.seen)
      forget(result.operation)
      if (kind === 'mutation') {
        const said = missed.filter(({ isChange, deletion }) => !isChange && !deletion)
        const results = amend(result, said, missed)
        // As amended: a read on its way may be newer than the change, but not than the transitions since.
        if (asked.size > 0) recent.push({ news: newsOfChange(results[0]?.data), isChange: true })
        return { results, begun }
      }
      if (number < (answered.get(key) ?? 0)) return { results: [], begun }
      answered.set(key, number)
      return { results: amend(result, missed, missed), begun }
    },
  }
}
