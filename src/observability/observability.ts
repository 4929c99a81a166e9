import type { Logger } from 'pino'
import type { Config } from '../config.ts'
import type { DatabaseObserver } from '../database/observer.ts'
import type { Refusal } from '../domain/refusal.ts'
import type { Metrics } from './metrics.ts'
import { Observer } from './observer.ts'
import { OperationLog } from './operation-log.ts'

export type Observability = Awaited<ReturnType<typeof createObservability>>

/** Makes what the parts of a gateway are seen with. */
export async function createObservability(
  config: Pick<Config, 'metrics' | 'operationLog'>,
  log: Logger,
  isTracing: boolean,
) {
  // What counts is loaded only where the metrics are served.
  const metrics = config.metrics && new (await import('./metrics.ts')).Metrics()
  const operationLog = new OperationLog({ log, ...config.operationLog })
  return {
    /** Undefined when they are not served. */
    metrics,
    observer: new Observer({ metrics, operationLog, isTracing }),
    database: metrics && observeDatabase(metrics),
    jobs: metrics && observeJobs(metrics),
    [Symbol.dispose]: () => operationLog.flush(),
  }
}

function observeDatabase(metrics: Metrics): DatabaseObserver {
  const counted = new WeakSet<Refusal>()
  return {
    committed: (tookMs) => metrics.commitSeconds.observe(tookMs / 1000),
    refused(refusal) {
      if (counted.has(refusal)) return
      counted.add(refusal)
      metrics.refusals.inc({ code: refusal.code })
    },
  }
}

function observeJobs(metrics: Metrics) {
  return {
    ended(kind: string, outcome: string, tookMs: number): void {
      metrics.jobSeconds.observe({ kind, outcome }, tookMs / 1000)
    },
    failed(kind: string): void {
      metrics.jobAttempts.inc({ kind })
    },
  }
}
