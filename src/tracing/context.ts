import {
  context,
  isSpanContextValid,
  ROOT_CONTEXT,
  SpanStatusCode,
  trace,
  type Attributes,
  type Context,
  type Span,
  type SpanContext,
  type Tracer,
} from '@opentelemetry/api'

/** Version, trace, parent and flags. Source: W3C Trace Context, "traceparent Header". */
const TRACEPARENT = /^(?!ff)[\da-f]{2}-([\da-f]{32})-([\da-f]{16})-([\da-f]{2})$/

/** The span that a `traceparent` names; undefined where it is missing or invalid, and a new trace begins. */
export function remoteSpan(traceparent: unknown): SpanContext | undefined {
  if (typeof traceparent !== 'string') return undefined
  const [, traceId = '', spanId = '', flags = ''] = TRACEPARENT.exec(traceparent) ?? []
  const span = { traceId, spanId, traceFlags: Number.parseInt(flags, 16) & 1, isRemote: true }
  return isSpanContextValid(span) ? span : undefined
}

/** The context in which work goes on that another span has caused. */
export function contextAfter(span: SpanContext | undefined): Context {
  return span ? trace.setSpanContext(ROOT_CONTEXT, span) : ROOT_CONTEXT
}

/** The span that causes what is done now, as a `traceparent`; null where there is none. */
export function activeTraceparent(): string | null {
  const span = trace.getSpanContext(context.active())
  if (!span || !isSpanContextValid(span)) return null
  return `00-${span.traceId}-${span.spanId}-${(span.traceFlags & 1).toString(16).padStart(2, '0')}`
}

/** Makes the spans of the gateway; they go nowhere unless `startTracing` was called. */
export function tracer(): Tracer {
  return trace.getTracer('snapgate')
}

/** Does work in a span of its own, below the one that is active or `parent`. */
export async function traced<T>(
  name: string,
  attributes: Attributes,
  work: (span: Span) => Promise<T>,
  parent = context.active(),
): Promise<T> {
  const span = tracer().startSpan(name, { attributes }, parent)
  try {
    return await context.with(trace.setSpan(parent, span), () => work(span))
  } catch (error) {
    // Its message may have what a client sent.
    span.setStatus({ code: SpanStatusCode.ERROR })
    throw error
  } finally {
    span.end()
  }
}
