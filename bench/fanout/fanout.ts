import { parseArgs } from 'node:util'
import { CONTENDERS, type Contender } from './messages.ts'
import { startSession, type Load } from './session.ts'

/**
 * One transition to many subscribers: this gateway against what else serves subscriptions with Node, and against a
 * broadcast of one prepared buffer with `ws`, the least that any of them could cost. Each contender is a process of
 * its own, with the same payload; they take turns, and every figure is compared with that of the broadcast in the
 * same round. The gateway reads its transitions from the database, where another process commits them.
 */

const ROUNDS = 3
/** How many subscribers, and the fixed rate, in transitions per second, that latency is taken at. */
const SIZES = [
  { subscribers: 1_000, perSecond: 20 },
  { subscribers: 5_000, perSecond: 4 },
]
const LOAD_MS = 1_500
const LATENCY_MS = 3_000
const BURST = 20
const IDLE_KIB = 15

interface Measured {
  subscribers: number
  contender: Contender
  single: Load
  burst: Load
  latencies: number[]
  bytesPerSubscriber: number
  lost: number
}

interface Figures {
  singleCpu: number
  burstCpu: number
  singleRate: number
  burstRate: number
  p50: number
  p99: number
}

export async function benchFanout(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      contenders: { type: 'string', default: CONTENDERS.join(',') },
      rounds: { type: 'string', default: String(ROUNDS) },
    },
  })
  const rounds = Number(values.rounds)
  const asked = new Set(values.contenders.split(','))
  const wanted = CONTENDERS.filter((contender) => contender === 'raw' || asked.has(contender))
  const gateways = (['gateway', 'gateway-sse'] as const).filter((contender) => asked.has(contender))
  const started = performance.now()
  const verdicts: object[] = []
  for (const { subscribers, perSecond } of SIZES) {
    const measured: Measured[][] = []
    for (let round = 0; round < rounds; round++) {
      const turn = round % 2 ? wanted.toReversed() : wanted
      const results: Measured[] = []
      for (const contender of turn) results.push(await measure(contender, subscribers, perSecond))
      measured.push(results)
    }
    console.log(`\n${subscribers} subscribers: medians of ${rounds} round(s), × raw in brackets`)
    console.table(Object.fromEntries(wanted.map((contender) => [contender, row(measured, contender)])))
    for (const contender of gateways) verdicts.push(...judge(measured, contender, subscribers))
  }
  if (asked.has('gateway')) verdicts.push(await judgeDisks(rounds))
  console.table(verdicts)
  console.log(`${((performance.now() - started) / 60_000).toFixed(1)} minutes.`)
}

async function measure(contender: Contender, subscribers: number, perSecond: number): Promise<Measured> {
  await using session = await startSession({ contender, subscribers })
  const latencies = await session.latencies(perSecond, LATENCY_MS)
  const single = await session.load(1, LOAD_MS)
  const burst = await session.load(BURST, LOAD_MS)
  const { bytesPerSubscriber } = session
  return { subscribers, contender, single, burst, latencies, bytesPerSubscriber, lost: await session.lost() }
}

/** Everyone watches a disk of its own, against everyone watching all. */
async function judgeDisks(rounds: number): Promise<object> {
  const subscribers = 1_000
  await using together = await startSession({ contender: 'gateway', subscribers })
  await using apart = await startSession({ contender: 'gateway', subscribers, perDisk: true })
  const ratios: number[] = []
  // In the first two V8 still compiles.
  for (let pair = -2; pair < 3 * rounds; pair++) {
    const one = cpuOf(await together.load(1, LOAD_MS))
    const disks = cpuOf(await apart.load(subscribers, LOAD_MS))
    if (pair >= 0) ratios.push(disks / one)
  }
  return verdict('gateway', subscribers, 'CPU, 1,000 disks / one group', median(ratios), 2, 'most')
}

function figures({ single, burst, latencies }: Measured): Figures {
  return {
    singleCpu: cpuOf(single),
    burstCpu: cpuOf(burst),
    singleRate: rateOf(single),
    burstRate: rateOf(burst),
    p50: at(latencies, 0.5),
    p99: at(latencies, 0.99),
  }
}

/** The median of a figure, and of its ratio to the broadcast's in the same round; a burst is compared with single ones. */
function compare(measured: Measured[][], contender: Contender, figure: keyof Figures, against = figure) {
  const pairs = measured.map((round) => {
    const [own, raw] = [contender, 'raw'].map((name) => round.find((one) => one.contender === name))
    if (!own || !raw) throw new Error(`${contender} was not measured.`)
    const value = figures(own)[figure]
    return { value, ratio: value / figures(raw)[against] }
  })
  return { value: median(pairs.map(({ value }) => value)), ratio: median(pairs.map(({ ratio }) => ratio)) }
}

function row(measured: Measured[][], contender: Contender) {
  const show = (figure: keyof Figures, digits: number, against = figure) => {
    const { value, ratio } = compare(measured, contender, figure, against)
    return `${value.toFixed(digits)} (${ratio.toFixed(2)})`
  }
  const own = measuredOf(measured, contender)
  const [kib, kibOfRaw] = [own, measuredOf(measured, 'raw')].map(
    (some) => median(some.map(({ bytesPerSubscriber }) => bytesPerSubscriber)) / 1024,
  ) as [number, number]
  return {
    'messages/s': show('singleRate', 0),
    'in bursts': show('burstRate', 0, 'singleRate'),
    'CPU s/million': show('singleCpu', 2),
    'in bursts ': show('burstCpu', 2, 'singleCpu'),
    'p50 ms': show('p50', 2),
    'p99 ms': show('p99', 2),
    'KiB/subscriber': `${kib.toFixed(1)} (${(kib / kibOfRaw).toFixed(2)})`,
    lost: own.reduce((sum, { lost }) => sum + lost, 0),
  }
}

function measuredOf(measured: Measured[][], contender: Contender): Measured[] {
  return measured.flatMap((round) => round.filter((one) => one.contender === contender))
}

function judge(measured: Measured[][], contender: Contender, subscribers: number): object[] {
  const own = measuredOf(measured, contender)
  const ratio = (figure: keyof Figures, against = figure) =>
    compare(measured, contender, figure, against).ratio
  const kib = median(own.map(({ bytesPerSubscriber }) => bytesPerSubscriber)) / 1024
  const lost = own.reduce((sum, one) => sum + one.lost, 0)
  return [
    verdict(contender, subscribers, 'CPU per message / raw', ratio('singleCpu'), 1.1, 'most'),
    verdict(contender, subscribers, 'CPU in bursts / raw', ratio('burstCpu', 'singleCpu'), 0.8, 'most'),
    verdict(contender, subscribers, 'messages/s / raw', ratio('singleRate'), 0.9, 'least'),
    verdict(contender, subscribers, 'in bursts / raw', ratio('burstRate', 'singleRate'), 1.3, 'least'),
    ...(subscribers === 1_000
      ? [verdict(contender, subscribers, 'p99 at 20/s / raw', ratio('p99'), 1.5, 'most')]
      : [verdict(contender, subscribers, 'KiB per idle subscriber', kib, IDLE_KIB, 'most')]),
    verdict(contender, subscribers, 'messages lost', lost, 0, 'most'),
  ]
}

function verdict(
  contender: Contender,
  subscribers: number,
  measure: string,
  value: number,
  target: number,
  bound: 'most' | 'least',
) {
  const holds = bound === 'most' ? value <= target : value >= target
  return {
    contender,
    subscribers,
    measure,
    value: value.toFixed(2),
    target: `${bound === 'most' ? '≤' : '≥'} ${target}`,
    verdict: holds ? 'holds' : 'MISSED',
  }
}

/** Microseconds of the server's CPU per delivered message, which is seconds per million. */
function cpuOf({ cpuMicros, messages }: Load): number {
  return cpuMicros / messages
}

function rateOf({ messages, wallMs }: Load): number {
  return (messages / wallMs) * 1000
}

function at(ascending: number[], quantile: number): number {
  return ascending[Math.floor((ascending.length - 1) * quantile)] ?? NaN
}

function median(values: number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = (sorted.length - 1) / 2
  return ((sorted[Math.floor(middle)] ?? NaN) + (sorted[Math.ceil(middle)] ?? NaN)) / 2
}
