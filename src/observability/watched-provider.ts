import type { Span } from '@opentelemetry/api'
import type { Cloud } from '../providers/cloud/cloud.ts'
import { CloudFault } from '../providers/cloud/faults.ts'
import { Throttled, type DiskProvider } from '../providers/provider.ts'
import { traced } from '../tracing/context.ts'
import type { Metrics } from './metrics.ts'

/** The verbs of a provider that are calls to where the disks are. */
const CALLS = [
  'observe',
  'capture',
  'copy',
  'verify',
  'holds',
  'delete',
  'place',
  'create',
  'rollBack',
  'resize',
  'attach',
  'detach',
  'release',
  'clean',
  'sweep',
] as const satisfies (keyof DiskProvider)[]

/** The verbs of a cloud that are calls to it. */
const CLOUD_CALLS = [
  'listDisks',
  'listSnapshots',
  'readDisk',
  'readSnapshot',
  'find',
  'submit',
  'quota',
  'policies',
] as const satisfies (keyof Cloud)[]

type Call = (...args: unknown[]) => Promise<unknown>

/** What a call is asked with, as far as that is work that moves bytes. */
interface Moving {
  onProgress?: (doneBytes: number, totalBytes: number) => void
  signal?: AbortSignal
}

/** The same provider, with each call measured and traced. */
export function watchedProvider<P extends DiskProvider>(provider: P, metrics: Metrics | undefined): P {
  return { ...provider, ...watchedCalls(provider, provider.name, CALLS, metrics) }
}

/** The same cloud, with each call measured and traced. */
export function watchedCloud(cloud: Cloud, metrics: Metrics | undefined): Cloud {
  return { ...cloud, ...watchedCalls(cloud, cloud.provider, CLOUD_CALLS, metrics) }
}

function watchedCalls<P extends object>(
  of: P,
  provider: string,
  operations: readonly (string & keyof P)[],
  metrics: Metrics | undefined,
): Partial<P> {
  const calls = operations.map((operation) => {
    const call = (of[operation] as Call).bind(of)
    return [operation, watched(call, { provider, operation }, metrics)]
  })
  return Object.fromEntries(calls) as Partial<P>
}

function watched(
  call: Call,
  labels: { provider: string; operation: string },
  metrics: Metrics | undefined,
): Call {
  return async (request, ...rest) => {
    const from = performance.now()
    const ended = (span: Span, outcome: string) => {
      metrics?.providerSeconds.observe({ ...labels, outcome }, (performance.now() - from) / 1000)
      span.setAttribute('snapgate.outcome', outcome)
    }
    const attributes = { 'snapgate.provider': labels.provider }
    return traced(`provider ${labels.operation}`, attributes, async (span) => {
      try {
        const result = await call(counting(request, labels, metrics), ...rest)
        ended(span, outcomeOf(result))
        return result
      } catch (error) {
        ended(span, failureOf(error, request))
        throw error
      }
    })
  }
}

/** The request, with the bytes counted that it moves. */
function counting(
  request: unknown,
  labels: { provider: string; operation: string },
  metrics: Metrics | undefined,
): unknown {
  const { onProgress } = (request ?? {}) as Moving
  if (!onProgress || !metrics) return request
  let counted = 0
  return {
    ...(request as Moving),
    onProgress(doneBytes: number, totalBytes: number) {
      // An attempt that begins anew moves its bytes again.
      metrics.providerBytes.inc(labels, doneBytes < counted ? doneBytes : doneBytes - counted)
      counted = doneBytes
      onProgress(doneBytes, totalBytes)
    },
  }
}

const OUTCOMES = ['done', 'copied', 'accepted', 'refused', 'damaged']

function outcomeOf(result: unknown): string {
  const { outcome } = (result ?? {}) as { outcome?: unknown }
  return OUTCOMES.find((known) => known === outcome) ?? 'done'
}

function failureOf(error: unknown, request: unknown): string {
  if (error instanceof Throttled) return 'throttled'
  if (error instanceof CloudFault) return error.class.toLowerCase()
  return ((request ?? {}) as Moving).signal?.aborted ? 'aborted' : 'error'
}
