import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { benchFlat } from './flat.ts'
import { ask } from './load.ts'
import { benchSeen } from './seen.ts'
import { bodyOf, comparable, OPERATIONS, type Operation } from './operations.ts'
import { CONTENDERS, startServer, type Contender, type Server } from './session.ts'
import { benchStart } from './start.ts'
import { reset, writeImages, writeWorld } from './world.ts'

/**
 * What a query and a create cost: this gateway against what else answers GraphQL with Node, and against a handler of
 * plain `node:http` and better-sqlite3 that knows the questions beforehand. Each contender is a process over its own copy of
 * the same database; they take turns within each round, and every figure is compared with that of the raw handler in
 * the same round. Before anything is measured, all answers are compared byte for byte.
 */

const CONNECTIONS = 16
const LOAD_MS = 1_000
const CREATES = 300
const ROUNDS = 3

/** Snapshots for each of the 200 disks. */
const WORLDS = [50, 512, 5_000]
const PARTS = ['peers', 'seen', 'flat', 'start']

interface Figures {
  rate: number
  p50: number
  p99: number
  cpu: number
}

type Round = Map<Contender, Figures>

export async function benchQueries(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      parts: { type: 'string', default: PARTS.join(',') },
      worlds: { type: 'string', default: WORLDS.join(',') },
      operations: { type: 'string', default: OPERATIONS.join(',') },
      contenders: { type: 'string', default: '' },
      rounds: { type: 'string', default: String(ROUNDS) },
      ms: { type: 'string', default: String(LOAD_MS) },
    },
  })
  const wanted = CONTENDERS.filter((name) =>
    values.contenders.split(',').some((part) => name.toLowerCase().includes(part)),
  )
  await using parts = new AsyncDisposableStack()
  const folder = await mkdtemp(join(tmpdir(), 'snapgate-queries-'))
  parts.defer(() => rm(folder, { recursive: true, force: true }))
  const images = join(folder, 'images')
  await mkdir(images)
  await writeImages(images)

  const isAsked = (part: string) => values.parts.split(',').includes(part)
  const verdicts: object[] = []
  for (const perDisk of isAsked('peers') ? values.worlds.split(',').map(Number) : []) {
    const worldFolder = join(folder, String(perDisk))
    await mkdir(worldFolder)
    const path = join(worldFolder, 'world.db')
    await writeWorld(path, images, perDisk)
    const operations = OPERATIONS.filter((name) => values.operations.split(',').includes(name))
    // Above, a list takes those behind Prisma seconds.
    const asked = perDisk > 512 ? operations.filter((name) => name !== 'list') : operations

    await using servers = new AsyncDisposableStack()
    const started: Server[] = []
    for (const contender of wanted)
      started.push(await startServer(contender, { path, images, folder: worldFolder }, servers))
    for (const operation of asked) {
      await compareAnswers(started, operation)
      const rounds: Round[] = []
      // The first one warms up.
      for (let round = -1; round < Number(values.rounds); round++) {
        const figures: Round = new Map()
        for (const server of round % 2 ? started.toReversed() : started)
          figures.set(server.contender, await measure(server, operation, Number(values.ms)))
        if (round >= 0) rounds.push(figures)
      }
      console.log(`\n${operation}, ${perDisk} snapshots on each of 200 disks: medians, × raw in brackets`)
      console.table(Object.fromEntries(wanted.map((contender) => [contender, row(rounds, contender)])))
      const gateways = wanted.filter((contender) => contender.startsWith('gateway'))
      console.log('\nThe gateway ÷ each of them: requests/s, p50, p99, CPU')
      console.table(
        Object.fromEntries(
          wanted.map((peer) => [
            peer,
            Object.fromEntries(gateways.map((gateway) => [gateway, overPeer(rounds, gateway, peer)])),
          ]),
        ),
      )
      verdicts.push(...judge(rounds, operation, perDisk))
    }
    const memory = new Map<Contender, number>()
    for (const server of started) memory.set(server.contender, await server.rssBytes())
    console.log('\nMB resident after this load, of the gateway at most 300; and the gateway ÷ each')
    console.table(Object.fromEntries(wanted.map((contender) => [contender, memoryRow(memory, contender)])))
    await rm(worldFolder, { recursive: true, force: true })
  }
  console.table(verdicts)
  if (isAsked('seen')) {
    console.log('\nCached answers with metrics and log, next to the same without')
    console.table(await benchSeen(folder, images, Number(values.rounds), Number(values.ms)))
  }
  if (isAsked('flat')) {
    console.log('\nPages of many next to pages of few, nothing kept')
    console.table(await benchFlat(folder, images, Number(values.ms) / 2))
  }
  if (isAsked('start')) {
    console.log('\nReady in under 1,000 ms with a migrated database; start:small at most 160 MB when idle')
    console.table(await benchStart(join(folder, 'start')))
  }
}

async function compareAnswers(servers: readonly Server[], operation: Operation): Promise<void> {
  let first: string | undefined
  for (const { contender, target, path } of servers) {
    // Asked again, an answer may come from somewhere else.
    for (const n of operation === 'create' ? [1] : [1, 1, 2]) {
      const answer = comparable(operation, await ask(target, bodyOf(operation, n)))
      if (n !== 1) continue
      first ??= answer
      if (answer !== first)
        throw new Error(`${contender} answers ${operation} differently:\n${answer}\n${first}`)
    }
    if (operation === 'create') reset(path)
  }
  console.log(`${operation}: all answer the same ${first?.length} bytes.`)
}

async function measure(server: Server, operation: Operation, durationMs: number): Promise<Figures> {
  const isCreate = operation === 'create'
  const { requests, wallMs, latencies, cpuMicros } = await server.run(
    { connections: CONNECTIONS, ...(isCreate ? { requests: CREATES } : { durationMs }) },
    (n) => bodyOf(operation, n),
  )
  if (isCreate) reset(server.path)
  return {
    rate: (requests / wallMs) * 1000,
    p50: at(latencies, 0.5),
    p99: at(latencies, 0.99),
    cpu: cpuMicros / requests,
  }
}

function ratios(
  rounds: readonly Round[],
  contender: Contender,
  figure: keyof Figures,
  to: Contender,
): number {
  return median(rounds.map((round) => value(round, contender, figure) / value(round, to, figure)))
}

function value(round: Round, contender: Contender, figure: keyof Figures): number {
  return round.get(contender)?.[figure] ?? NaN
}

function row(rounds: readonly Round[], contender: Contender) {
  const show = (figure: keyof Figures, digits: number) =>
    `${median(rounds.map((round) => value(round, contender, figure))).toFixed(digits)} (${ratios(rounds, contender, figure, 'raw').toFixed(2)})`
  return {
    'requests/s': show('rate', 0),
    'p50 ms': show('p50', 2),
    'p99 ms': show('p99', 2),
    'CPU µs/request': show('cpu', 0),
  }
}

/** The figures of a gateway as ratios to those of another one in the same round. */
function overPeer(rounds: readonly Round[], gateway: Contender, peer: Contender): string {
  return (['rate', 'p50', 'p99', 'cpu'] as const)
    .map((figure) => ratios(rounds, gateway, figure, peer).toFixed(2))
    .join(', ')
}

function memoryRow(memory: ReadonlyMap<Contender, number>, contender: Contender) {
  const bytes = memory.get(contender) ?? NaN
  const over = (gateway: Contender) => ((memory.get(gateway) ?? NaN) / bytes).toFixed(2)
  return {
    MB: (bytes / 1e6).toFixed(0),
    'gateway, hot ÷ it': over('gateway, hot'),
    'gateway, cold ÷ it': over('gateway, cold'),
  }
}

function judge(rounds: readonly Round[], operation: Operation, perDisk: number): object[] {
  const verdict = (
    contender: Contender,
    to: Contender,
    figure: keyof Figures,
    bound: 'least' | 'most',
    target: number,
  ) => {
    const ratio = ratios(rounds, contender, figure, to)
    return {
      operation,
      'per disk': perDisk,
      contender,
      figure: `${figure} ÷ ${to}`,
      ratio: ratio.toFixed(2),
      target: `${bound === 'least' ? '≥' : '≤'} ${target}`,
      verdict: Number.isNaN(ratio)
        ? ''
        : (bound === 'least' ? ratio >= target : ratio <= target)
          ? 'holds'
          : 'MISSED',
    }
  }
  const [hot, cold] = ['gateway, hot', 'gateway, cold'] as const
  switch (operation) {
    case 'disk':
      return [
        verdict(cold, 'raw', 'rate', 'least', 0.3),
        verdict(cold, 'Apollo, Prisma', 'rate', 'least', 2.5),
        verdict(hot, 'raw', 'rate', 'least', 0.6),
      ]
    case 'list':
      return [
        verdict(cold, 'raw', 'rate', 'least', 0.6),
        verdict(cold, 'Apollo, Prisma', 'rate', 'least', 5),
        verdict(hot, 'raw', 'rate', 'least', 5),
      ]
    case 'create':
      return [
        verdict(hot, 'raw', 'rate', 'least', 0.6),
        verdict(hot, 'raw', 'p99', 'most', 1 / 0.6),
        verdict(hot, 'Apollo, Prisma', 'rate', 'least', 3),
        verdict(hot, 'Apollo, Prisma', 'p99', 'most', 1 / 3),
      ]
    default:
      return []
  }
}

function at(ascending: readonly number[], quantile: number): number {
  return ascending[Math.floor((ascending.length - 1) * quantile)] ?? NaN
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = (sorted.length - 1) / 2
  return ((sorted[Math.floor(middle)] ?? NaN) + (sorted[Math.ceil(middle)] ?? NaN)) / 2
}
