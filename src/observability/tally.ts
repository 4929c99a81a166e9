import type { Metric, Registry } from 'prom-client'

/** Upper bounds of the buckets, in seconds. */
const BUCKETS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

/** The numbers of the operations with one set of labels. Plain additions, because they are on the hot path. */
class Tally {
  readonly labels: Labels
  readonly byOutcome = new Map<string, number>()
  /** How many took at most as long as each bucket and longer than the one before; then those that took longer than all. */
  readonly buckets = new Float64Array(BUCKETS.length + 1)
  seconds = 0
  cost = 0

  constructor(labels: Labels) {
    this.labels = labels
  }

  add(outcome: string, seconds: number, cost: number): void {
    let bucket = 0
    while (seconds > (BUCKETS[bucket] ?? Infinity)) bucket++
    this.buckets[bucket] = (this.buckets[bucket] ?? 0) + 1
    this.seconds += seconds
    this.cost += cost
    this.byOutcome.set(outcome, (this.byOutcome.get(outcome) ?? 0) + 1)
  }
}

interface Labels {
  operation: string
  kind: string
  transport: string
}

export type OperationTally = Pick<Tally, 'add'>

interface Value {
  metricName: string
  labels: Record<string, string | number>
  value: number
}

/**
 * Requests, their durations and their cost. prom-client's own histograms make a key of the labels for each observation, which
 * costs more than everything else that is measured; these look a tally up once for each document.
 */
export class OperationTallies {
  readonly #tallies = new Map<string, Tally>()

  constructor(registry: Registry) {
    register(registry, {
      name: 'snapgate_operations_total',
      help: 'Operations that ended, by operation, kind, transport and outcome. The opening of a stream counts as one.',
      type: 'counter',
      values: (name) => this.#each((tally) => outcomesOf(name, tally)),
    })
    register(registry, {
      name: 'snapgate_operation_duration_seconds',
      help: 'Time from the arrival of an operation to its answer; for a stream, until it is open.',
      type: 'histogram',
      values: (name) => this.#each((tally) => histogramOf(name, tally)),
    })
    register(registry, {
      name: 'snapgate_operation_cost_points_total',
      help: 'Points that operations were charged.',
      type: 'counter',
      values: (name) =>
        this.#each(({ labels, cost }) => [{ metricName: name, labels: { ...labels }, value: cost }]),
    })
  }

  of(operation: string, kind: string, transport: string): OperationTally {
    const key = `${operation} ${kind} ${transport}`
    let tally = this.#tallies.get(key)
    if (!tally) this.#tallies.set(key, (tally = new Tally({ operation, kind, transport })))
    return tally
  }

  #each(values: (tally: Tally) => Value[]): Value[] {
    return [...this.#tallies.values()].flatMap(values)
  }
}

function outcomesOf(metricName: string, { labels, byOutcome }: Tally): Value[] {
  return [...byOutcome].map(([outcome, value]) => ({ metricName, labels: { ...labels, outcome }, value }))
}

function histogramOf(name: string, { labels, buckets, seconds }: Tally): Value[] {
  let count = 0
  const cumulative = [...buckets].map((inBucket, at) => {
    count += inBucket
    return { metricName: `${name}_bucket`, labels: { ...labels, le: BUCKETS[at] ?? '+Inf' }, value: count }
  })
  return [
    ...cumulative,
    { metricName: `${name}_sum`, labels: { ...labels }, value: seconds },
    { metricName: `${name}_count`, labels: { ...labels }, value: count },
  ]
}

interface Source {
  name: string
  help: string
  type: 'counter' | 'histogram'
  values: (name: string) => Value[]
}

/** Registers what makes its values when it is scraped. Of a metric, the registry uses only its name and `get`. */
function register(registry: Registry, { name, help, type, values }: Source): void {
  const metric = {
    name,
    get: () => Promise.resolve({ name, help, type, aggregator: 'sum', values: values(name) }),
  }
  registry.registerMetric(metric as unknown as Metric)
}
