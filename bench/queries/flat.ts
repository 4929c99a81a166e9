import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { ask } from './load.ts'
import { DISKS, diskId, DOCUMENTS } from './operations.ts'
import { startServer } from './session.ts'
import { writeWorld } from './world.ts'

/** Snapshots on each of 200 disks: ten thousand and a million in all; and a list of disks with few and many each. */
const FEW = 50
const MILLION = 5_000
const FULL = 512
const CONNECTIONS = 4
const ROUNDS = 3

const PAGE = 'totalCount nodes { id name status sizeGiB createdAt } pageInfo { hasNextPage endCursor }'
const LIST = 'the list'

/** The pages that are compared: the arguments of `snapshots`. */
const pages = (middle: string, recent: string): Record<string, string> => ({
  'first page': 'first: 20',
  'page in the middle': `first: 20, after: "${middle}"`,
  'last page': 'last: 20',
  'of a name': 'first: 20, filter: { name: { eq: "snapshot-77" } }',
  'of a status': 'first: 20, filter: { status: { eq: FAILED } }',
  'of two statuses': 'first: 20, filter: { status: { in: [FAILED, COMPLETED] } }',
  'of a status that none has': 'first: 20, filter: { status: { eq: UNAVAILABLE } }',
  'of a type': 'first: 20, filter: { type: { eq: AUTOMATIC } }',
  'of a disk': `first: 20, filter: { diskId: { eq: "${diskId(7)}" } }`,
  'of an id': 'first: 20, filter: { id: { eq: "s-bench00000007" } }',
  'since a moment': `first: 20, filter: { createdAt: { gte: "${recent}" } }`,
})

/** Microseconds of CPU for pages of a million next to those of ten thousand, with nothing kept. */
export async function benchFlat(folder: string, images: string, ms: number): Promise<object[]> {
  const few = await costs(folder, images, FEW, ms)
  const million = await costs(folder, images, MILLION, ms)
  const full = await costs(folder, images, FULL, ms, [LIST])
  const row = (name: string, one: number, other: number, target: number) => ({
    name,
    'µs CPU, few': one.toFixed(0),
    'µs CPU, many': other.toFixed(0),
    ratio: (other / one).toFixed(2),
    target: `≤ ${target}`,
    verdict: other / one <= target ? 'holds' : 'MISSED',
  })
  return [...few].map(([name, one]) =>
    name === LIST
      ? row('20 disks × 10, of 512 and not of 50', one, full.get(name) ?? NaN, 1.2)
      : row(`${name}, of 1,000,000 and not of 10,000`, one, million.get(name) ?? NaN, 1.5),
  )
}

async function costs(
  folder: string,
  images: string,
  perDisk: number,
  ms: number,
  only?: readonly string[],
): Promise<Map<string, number>> {
  await using parts = new AsyncDisposableStack()
  const worldFolder = join(folder, `flat-${perDisk}`)
  await mkdir(worldFolder)
  parts.defer(() => rm(worldFolder, { recursive: true, force: true }))
  const path = join(worldFolder, 'world.db')
  await writeWorld(path, images, perDisk)
  const server = await startServer('gateway, cold', { path, images, folder: worldFolder }, parts)
  const recent = new Date(Date.UTC(2026) + (DISKS * perDisk - 20) * 31_000).toISOString()
  const queries = [
    [LIST, DOCUMENTS.list],
    ...Object.entries(pages(middleOf(path), recent)).map(([name, args]) => [
      name,
      `{ snapshots(${args}) { ${PAGE} } }`,
    ]),
  ] as const
  const measured = new Map<string, number>()
  for (const [name = '', query] of queries) {
    if (only && !only.includes(name)) continue
    const body = JSON.stringify({ query })
    const answer = await ask(server.target, body)
    if (!answer.startsWith('{"data":')) throw new Error(answer)
    const rounds: number[] = []
    // The first one warms up.
    for (let round = -1; round < ROUNDS; round++) {
      const { requests, cpuMicros } = await server.run(
        { connections: CONNECTIONS, durationMs: ms },
        () => body,
      )
      if (round >= 0) rounds.push(cpuMicros / requests)
    }
    measured.set(name, Math.min(...rounds))
  }
  return measured
}

/** The cursor of the snapshot in the middle, newest first. */
function middleOf(path: string): string {
  const db = new Database(path, { readonly: true })
  const row = db
    .prepare<[], { id: string; createdAt: string }>(
      `SELECT "id", "createdAt" FROM "Snapshot" ORDER BY "createdAt" DESC, "id" DESC
       LIMIT 1 OFFSET (SELECT count(*) / 2 FROM "Snapshot")`,
    )
    .get()
  db.close()
  const createdAt = new Date(row?.createdAt ?? 0).toISOString()
  return Buffer.from(JSON.stringify(['CREATED_AT DESC', createdAt, row?.id])).toString('base64url')
}
