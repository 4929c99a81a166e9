import { join } from 'node:path'
import { ask } from './load.ts'
import { bodyOf, type Operation } from './operations.ts'
import { OBSERVED, type Observed } from './servers/observed.ts'
import { startServer, type Server } from './session.ts'
import { writeWorld } from './world.ts'

const CONNECTIONS = 16
const PER_DISK = 50
const MOST = 1.03

/**
 * For how long each takes its turn, in milliseconds. A busy machine makes everything dearer for a while, so neighbours in a short
 * round are compared.
 */
const TURN_MS = 60
/** How much longer all of it takes than another measurement of the same rounds and time. */
const LONGER = 6

/**
 * CPU of cached answers with metrics, and with a log line for each, next to the same without: of one process, in which that
 * is switched on and off, so that nothing else differs.
 */
export async function benchSeen(
  folder: string,
  images: string,
  rounds: number,
  ms: number,
): Promise<object[]> {
  await using parts = new AsyncDisposableStack()
  const path = join(folder, 'seen.db')
  await writeWorld(path, images, PER_DISK)
  const settings = { METRICS: '127.0.0.1:0', LOG_OPERATIONS_PERCENT: '100' }
  const server = await startServer('gateway, hot', { path, images, folder }, parts, settings, true)
  const rows: object[] = []
  for (const operation of ['disk', 'list'] as const) {
    const measured = await measure(server, operation, Math.ceil((rounds * ms * LONGER) / TURN_MS))
    for (const name of OBSERVED) {
      const ratio = middle(measured.map((round) => round[name] / round.nothing))
      rows.push({
        operation,
        with: name,
        'µs CPU': middle(measured.map((round) => round[name])).toFixed(1),
        ratio: ratio.toFixed(3),
        target: `≤ ${MOST}`,
        verdict: ratio <= MOST ? 'holds' : 'MISSED',
      })
    }
  }
  return rows
}

type Round = Record<Observed, number>

/** Microseconds of CPU for a request, of each in each round; they take turns, in the other order every other round. */
async function measure(server: Server, operation: Operation, rounds: number): Promise<Round[]> {
  const measured: Round[] = []
  for (const n of [1, 1, 2]) await ask(server.target, bodyOf(operation, n))
  const load = { connections: CONNECTIONS, durationMs: TURN_MS }
  const turn = async (name: Observed) => {
    await server.observe(name)
    const { requests, cpuMicros } = await server.run(load, (n) => bodyOf(operation, n))
    return cpuMicros / requests
  }
  // What is compiled in the first second is not what runs later.
  for (let round = 0; round < 1_000 / TURN_MS; round++) await turn('metrics and every line')
  for (let round = 0; round < rounds; round++) {
    const micros: Partial<Round> = {}
    for (const name of round % 2 ? OBSERVED.toReversed() : OBSERVED) micros[name] = await turn(name)
    measured.push(micros as Round)
  }
  return measured
}

function middle(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)] ?? NaN
}
