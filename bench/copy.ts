import { execFile } from 'node:child_process'
import { randomFillSync, randomInt } from 'node:crypto'
import { mkdir, mkdtemp, open, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { promisify } from 'node:util'
import { createLocalProvider } from '../src/providers/local/local.ts'

/**
 * A snapshot of an image file, compared with what one would type instead: `cp --sparse=always`, `sync` of the copy,
 * `sha256sum` of the copy. Both begin with a source in memory and nothing waiting to be written, in turns, on one
 * file system. The snapshot also reads its copy back from the device and compares it.
 */

const MIB = 2 ** 20
const GIB = 2 ** 30
const ROUNDS = 3
const TARGET_RATIO = 1
const TARGET_DELAY_MS = 20

const run = promisify(execFile)

interface Layout {
  name: string
  title: string
  sizeBytes: number
  /** What each MiB of the image is: random bytes, stored zeros, or a hole. */
  fill: (index: number) => 'random' | 'zeros' | 'hole'
}

const LAYOUTS: Layout[] = [
  { name: 'dense', title: '2 GiB dense', sizeBytes: 2 * GIB, fill: () => 'random' },
  {
    name: 'sparse',
    title: '10 GiB, 100 MiB of it data',
    sizeBytes: 10 * GIB,
    fill: (index) => (index % 102 === 51 ? 'random' : 'hole'),
  },
  {
    name: 'half-zero',
    title: '2 GiB, half of it zeros',
    sizeBytes: 2 * GIB,
    fill: (index) => (index % 2 ? 'random' : 'zeros'),
  },
]

interface Snapshot {
  elapsedMs: number
  /** Median, 99th percentile and maximum of the main thread's delay. */
  delayMs: number[]
}

export async function benchCopy(): Promise<void> {
  const base = join(import.meta.dirname, '..', 'data')
  await mkdir(base, { recursive: true })
  const dir = await mkdtemp(join(base, 'bench-copy-'))
  try {
    await compare(dir)
  } finally {
    await rm(dir, { recursive: true, force: true })
  }
}

async function compare(dir: string): Promise<void> {
  const images = join(dir, 'images')
  await mkdir(images)
  const results = LAYOUTS.map((layout) => ({
    ...layout,
    snapshots: [] as Snapshot[],
    toolsMs: [] as number[],
  }))
  for (const layout of LAYOUTS) await makeImage(join(images, layout.name), layout)
  for (let round = 1; round <= ROUNDS; round++) {
    for (const { name, snapshots, toolsMs } of results) {
      const image = join(images, name)
      const snapshot = async () => snapshots.push(await makeSnapshot(image, dir))
      const tools = async () => toolsMs.push(await runTools(image, join(dir, 'copy')))
      for (const contender of round % 2 ? [snapshot, tools] : [tools, snapshot]) await contender()
    }
  }
  console.table(results.flatMap(report))
}

async function makeImage(path: string, { sizeBytes, fill }: Layout): Promise<void> {
  await using image = await open(path, 'wx')
  const random = Buffer.alloc(64 * MIB)
  randomFillSync(random)
  const zeros = Buffer.alloc(MIB)
  for (let index = 0; index < sizeBytes / MIB; index++) {
    const kind = fill(index)
    if (kind === 'hole') continue
    const bytes = kind === 'zeros' ? zeros : random.subarray(randomInt(63 * MIB)).subarray(0, MIB)
    await image.write(bytes, 0, MIB, index * MIB)
  }
  await image.truncate(sizeBytes)
  await image.sync()
}

async function makeSnapshot(image: string, dir: string): Promise<Snapshot> {
  const snapshotsDir = join(dir, 'snapshots')
  await using provider = createLocalProvider({ snapshotsDir, diskDirs: [join(dir, 'images')] })
  await run('sync', ['--file-system', image])
  const delay = monitorEventLoopDelay({ resolution: 1 })
  delay.enable()
  const start = performance.now()
  const copy = await provider.copy({
    snapshotId: 's-bench',
    disk: { id: 'v-bench', kind: 'DATA', location: image, accountId: 'acc-bench', instanceId: null },
    onProgress: () => undefined,
    signal: new AbortController().signal,
  })
  const elapsedMs = performance.now() - start
  delay.disable()
  if (copy.outcome === 'refused') throw new Error(copy.reason)
  await rm(snapshotsDir, { recursive: true })
  return { elapsedMs, delayMs: [delay.percentile(50), delay.percentile(99), delay.max].map((ns) => ns / 1e6) }
}

async function runTools(image: string, copy: string): Promise<number> {
  await run('sync', ['--file-system', image])
  const start = performance.now()
  await run('cp', ['--sparse=always', '--reflink=never', image, copy])
  await run('sync', [copy])
  await run('sha256sum', [copy])
  const elapsedMs = performance.now() - start
  await rm(copy)
  return elapsedMs
}

function report({ title, snapshots, toolsMs }: { title: string; snapshots: Snapshot[]; toolsMs: number[] }) {
  const snapshotMs = median(snapshots.map(({ elapsedMs }) => elapsedMs))
  const ratio = snapshotMs / median(toolsMs)
  const [p50 = NaN, p99 = NaN, max = NaN] = [0, 1, 2].map((at) =>
    Math.max(...snapshots.map(({ delayMs }) => delayMs[at] ?? NaN)),
  )
  return [
    {
      image: title,
      measure: 'time: snapshot / tools (medians)',
      value: `${seconds(snapshotMs)} / ${seconds(median(toolsMs))} = ${ratio.toFixed(2)}`,
      target: `≤ ${TARGET_RATIO.toFixed(2)}`,
      verdict: verdict(ratio <= TARGET_RATIO),
    },
    {
      image: title,
      measure: 'event loop delay: p50 / p99 / max (worst round)',
      value: [p50, p99, max].map((ms) => `${ms.toFixed(1)} ms`).join(' / '),
      target: `p99 < ${TARGET_DELAY_MS} ms`,
      verdict: verdict(p99 < TARGET_DELAY_MS),
    },
  ]
}

function median(values: number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(2)} s`
}

function verdict(holds: boolean): string {
  return holds ? 'holds' : 'MISSED'
}
