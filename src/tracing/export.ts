import { trace } from '@opentelemetry/api'
import type * as Sdk from '@opentelemetry/sdk-trace'

type Variables = Record<string, string | undefined>

/** Whether the standard variables of OpenTelemetry say where spans go. */
export function exportsSpans(env: Variables): boolean {
  if (env['OTEL_SDK_DISABLED'] === 'true' || env['OTEL_TRACES_EXPORTER'] === 'none') return false
  return Boolean(env['OTEL_EXPORTER_OTLP_ENDPOINT'] || env['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT'])
}

/**
 * Exports spans by OTLP over HTTP, as the standard variables say: endpoint, headers, timeout, compression, certificates,
 * sampler, and the name and attributes of the service. Loads the SDK, so it is called only where they are wanted. Disposing it
 * sends what is left.
 */
export async function startTracing(env: Variables): Promise<AsyncDisposable> {
  const [sdk, { OTLPTraceExporter }, resources] = await Promise.all([
    import('@opentelemetry/sdk-trace'),
    import('@opentelemetry/exporter-trace-otlp-proto'),
    import('@opentelemetry/resources'),
  ])
  const named = resources.detectResources({
    detectors: [resources.resourceAttributesEnvDetector, resources.serviceNameEnvDetector],
  })
  const provider = new sdk.TracerProvider({
    resource: resources
      .defaultResource()
      .merge(resources.resourceFromAttributes({ 'service.name': env['OTEL_SERVICE_NAME'] || 'snapgate' }))
      .merge(named),
    sampler: samplerOf(env, sdk),
    spanProcessors: [
      new sdk.BatchSpanProcessor({
        exporter: new OTLPTraceExporter(),
        scheduledDelayMillis: Number(env['OTEL_BSP_SCHEDULE_DELAY'] || 5_000),
      }),
    ],
  })
  trace.setGlobalTracerProvider(provider)
  return {
    async [Symbol.asyncDispose]() {
      trace.disable()
      // A collector that cannot be reached is no reason not to stop.
      await provider.shutdown().catch(() => undefined)
    },
  }
}

/** Source: OpenTelemetry, "Environment Variable Specification", OTEL_TRACES_SAMPLER. */
function samplerOf(env: Variables, sdk: typeof Sdk): Sdk.Sampler {
  const name = env['OTEL_TRACES_SAMPLER'] || 'parentbased_always_on'
  const ratio = Number(env['OTEL_TRACES_SAMPLER_ARG'] || 1)
  const root = {
    always_on: () => new sdk.AlwaysOnSampler(),
    always_off: () => new sdk.AlwaysOffSampler(),
    traceidratio: () => new sdk.TraceIdRatioBasedSampler(ratio),
  }[name.replace(/^parentbased_/, '')]
  if (!root) throw new Error(`OTEL_TRACES_SAMPLER must be a sampler of OpenTelemetry; it is "${name}".`)
  return name.startsWith('parentbased_') ? new sdk.ParentBasedSampler({ root: root() }) : root()
}
