import { SpanKind, SpanStatusCode, trace, type Context } from '@opentelemetry/api'
import type { DocumentNode, OperationDefinitionNode } from 'graphql'
import { Clients, type Client } from './client.ts'
import {
  describeOperation,
  NO_OPERATION,
  type AdmittedOperation,
  type DescribedOperation,
} from './document.ts'
import type { Metrics } from './metrics.ts'
import { FAULT, LEFT, type LogEntry, type OperationLog } from './operation-log.ts'
import type { OperationTally } from './tally.ts'
import { contextAfter, remoteSpan, tracer } from '../tracing/context.ts'

export type Transport = 'http' | 'multipart' | 'sse' | 'websocket'

/** A request as the observer reads it when it has ended. */
export interface Observed {
  readonly id: string
  readonly transport: Transport
  readonly client: Client
  /** What caused it, and its own span; undefined when neither is known. */
  readonly context: Context | undefined
  readonly viewer: { accountId: string } | undefined
  readonly operation: AdmittedOperation | undefined
  readonly cost: { requested: number } | undefined
  /** `OK`, or the code of the first error. */
  readonly outcome: string
  /** By `performance.now()`. */
  readonly arrivedAt: number
  readonly executedAt: number
}

/** Ends the record of a stream: with its outcome, and how many events it was sent. May be called again. */
export type StreamEnd = (outcome: string, events: number) => void

export interface ObserverOptions {
  /** Left out when nothing is counted. */
  metrics: Metrics | undefined
  operationLog: OperationLog
  /** Whether spans are exported. */
  isTracing: boolean
}

interface Known {
  described: DescribedOperation
  tallies: Partial<Record<Transport, OperationTally>>
}

/** Tells metrics, log and traces of every operation: from the one place that all of them pass, on every transport and path. */
export class Observer {
  readonly #options: ObserverOptions
  readonly #known = new WeakMap<OperationDefinitionNode, Known>()
  readonly #trusted = new WeakSet<DocumentNode>()
  readonly clients = new Clients()
  readonly #unknown: Known = { described: NO_OPERATION, tallies: {} }

  constructor(options: ObserverOptions) {
    this.#options = options
  }

  /** The operator has chosen the names in this document. */
  trust(document: DocumentNode): void {
    this.#trusted.add(document)
  }

  /** The context of an operation that a client asks for with this `traceparent`; undefined where nothing is traced. */
  contextFor(traceparent: unknown): Context | undefined {
    const caller = remoteSpan(traceparent)
    if (!this.#options.isTracing) return caller && contextAfter(caller)
    const parent = contextAfter(caller)
    return trace.setSpan(parent, tracer().startSpan('operation', { kind: SpanKind.SERVER }, parent))
  }

  /** An operation was answered, or refused; a stream is open. */
  ended(observed: Observed): void {
    const known = this.#of(observed.operation)
    const { transport, arrivedAt, executedAt, outcome, cost } = observed
    const durationMs = executedAt - arrivedAt
    const tally = (known.tallies[transport] ??= this.#tallyOf(known, transport))
    tally?.add(outcome, durationMs / 1000, cost?.requested ?? 0)
    if (outcome !== 'OK') this.rejected(outcome)
    this.#options.operationLog.add('operation', entryOf(observed, known.described, durationMs))
    if (this.#options.isTracing) endSpan(observed, known.described)
  }

  /** A stream is open. Keeps nothing of its request but what the line of its end says. */
  streamOpened(observed: Observed): StreamEnd {
    const { metrics, operationLog } = this.#options
    const { described } = this.#of(observed.operation)
    const { transport, arrivedAt } = observed
    const labels = { operation: described.label, transport }
    const entry = entryOf(observed, described, 0)
    let isOver = false
    metrics?.streams.inc(labels)
    return (outcome, events) => {
      if (isOver) return
      isOver = true
      metrics?.streams.dec(labels)
      metrics?.streamsEnded.inc({ ...labels, outcome })
      if (outcome !== 'OK' && outcome !== LEFT) this.rejected(outcome)
      operationLog.add('stream ended', {
        ...entry,
        durationMs: performance.now() - arrivedAt,
        outcome,
        events,
      })
    }
  }

  /** A client was told an error with this code. */
  rejected(code: string): void {
    this.#options.metrics?.errors.inc({ code })
  }

  /** A compiled query was executed instead, because of an error with this code; `NONE` for a value that it cannot write. */
  fellBack(code: string): void {
    this.#options.metrics?.fallbacks.inc({ code })
  }

  #of(operation: AdmittedOperation | undefined): Known {
    if (!operation) return this.#unknown
    let known = this.#known.get(operation.node)
    if (!known) {
      const described = describeOperation(operation, this.#trusted.has(operation.document))
      this.#known.set(operation.node, (known = { described, tallies: {} }))
    }
    return known
  }

  #tallyOf({ described: { label, kind } }: Known, transport: Transport): OperationTally | undefined {
    return this.#options.metrics?.operations.of(label, kind, transport)
  }
}

function entryOf(observed: Observed, operation: DescribedOperation, durationMs: number): LogEntry {
  const { id, transport, client, context, viewer, cost, outcome } = observed
  return {
    operation,
    transport,
    durationMs,
    cost: cost?.requested,
    outcome,
    account: viewer?.accountId,
    client,
    requestId: id,
    traceId: context && trace.getSpanContext(context)?.traceId,
  }
}

/** Of the operation's document, its hash only: it may have what belongs into variables. */
function endSpan(observed: Observed, { kind, label, name, hash }: DescribedOperation): void {
  const span = observed.context && trace.getSpan(observed.context)
  if (!span) return
  span.updateName(`${kind} ${label}`)
  span.setAttributes({
    'graphql.operation.type': kind,
    ...(name !== undefined && { 'graphql.operation.name': name }),
    ...(hash !== undefined && { 'graphql.document.hash': hash }),
    'snapgate.transport': observed.transport,
    'snapgate.outcome': observed.outcome,
    'snapgate.request_id': observed.id,
  })
  if (observed.outcome === FAULT) span.setStatus({ code: SpanStatusCode.ERROR })
  span.end()
}
