import { Counter, Gauge, Histogram, Registry } from 'prom-client'
import { OperationTallies } from './tally.ts'

/**
 * The instruments of one gateway. Every label has values of the schema, of the configuration or of a closed list, so no client
 * can make a time series. What can be read when it is asked for is not counted here: see `gauges.ts`.
 */
export class Metrics {
  readonly registry = new Registry()
  readonly operations = new OperationTallies(this.registry)
  readonly errors = this.#counter('errors_total', 'Errors that clients were told, by code.', ['code'])

  readonly fallbacks = this.#counter(
    'query_fallbacks_total',
    'Compiled queries that were executed instead, by the code of the error that they met.',
    ['code'],
  )

  readonly streams = new Gauge({
    name: 'snapgate_subscriptions',
    help: 'Subscriptions that are open.',
    labelNames: ['operation', 'transport'],
    registers: [this.registry],
  })
  readonly streamsEnded = this.#counter(
    'subscriptions_ended_total',
    'Subscriptions that ended, by outcome.',
    ['operation', 'transport', 'outcome'],
  )

  readonly jobAttempts = this.#counter(
    'job_attempts_failed_total',
    'Attempts at jobs that failed by a fault and will be retried.',
    ['kind'],
  )
  readonly jobSeconds = new Histogram({
    name: 'snapgate_job_duration_seconds',
    help: 'Time from the request for a job to its end. For COPY_SNAPSHOT: how long snapshots are CREATING.',
    labelNames: ['kind', 'outcome'],
    buckets: [0.1, 0.5, 1, 5, 15, 60, 300, 900, 3_600, 14_400],
    registers: [this.registry],
  })
  readonly refusals = this.#counter(
    'refusals_total',
    'Requests that a rule refused, by code; quotas are some of them.',
    ['code'],
  )

  readonly commitSeconds = new Histogram({
    name: 'snapgate_database_commit_seconds',
    help: 'Time that COMMIT takes, which waits for the storage.',
    buckets: [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5],
    registers: [this.registry],
  })

  readonly providerSeconds = new Histogram({
    name: 'snapgate_provider_call_duration_seconds',
    help: 'Time that calls of the provider take, by operation and outcome.',
    labelNames: ['provider', 'operation', 'outcome'],
    buckets: [0.001, 0.01, 0.1, 0.5, 1, 5, 30, 120, 600, 3_600],
    registers: [this.registry],
  })

  readonly providerBytes = this.#counter(
    'provider_bytes_total',
    'Bytes of data that calls of the provider have moved: for copy, those copied.',
    ['provider', 'operation'],
  )

  #counter<Label extends string>(name: string, help: string, labelNames: Label[] = []): Counter<Label> {
    return new Counter({ name: `snapgate_${name}`, help, labelNames, registers: [this.registry] })
  }
}
