import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import { postGraphql } from '../support/clients.ts'
import { startGateway } from '../support/process.ts'
import { temporary } from '../support/real-disk.ts'
import { CAN_TRACE, systemCalls, tracedStart, type SystemCall } from '../support/system-calls.ts'

const MIB = 1024 ** 2

type Matches = (call: SystemCall) => boolean

const names =
  (...known: string[]) =>
  (call: SystemCall) =>
    known.includes(call.name)
const isWrite = names('write', 'writev', 'sendto', 'pwrite64', 'pwritev')
const isSync = names('fsync', 'fdatasync')
const isRename = names('rename', 'renameat', 'renameat2')
/** The descriptor of a call is of a file whose path ends like this. */
const on = ({ text }: SystemCall, path: RegExp) => new RegExp(`^\\d+<[^>]*${path.source}>`).test(text)
const writes =
  (path: RegExp, what = ''): Matches =>
  (call) =>
    isWrite(call) && on(call, path) && call.text.includes(what)
const syncs =
  (path: RegExp): Matches =>
  (call) =>
    isSync(call) && on(call, path)
const renames =
  (from: RegExp, to: RegExp): Matches =>
  (call) =>
    isRename(call) && new RegExp(`${from.source}".*${to.source}"`).test(call.text)
const LOG = /snapgate\.db-wal/
const answers =
  (text: string): Matches =>
  (call) =>
    isWrite(call) && on(call, /socket:\[\d+\]/) && call.text.includes(text.replaceAll('"', '\\"'))

/** Each step is a call that begins after the one before it has returned; the first is the last call of its kind before the second. */
function expectInOrder(
  calls: readonly SystemCall[],
  steps: readonly [what: string, matches: Matches][],
): void {
  const [[first, isFirst], ...rest] = steps as [[string, Matches], ...[string, Matches][]]
  const next = rest[0]?.[1] ?? (() => false)
  const start = calls.findIndex(isFirst)
  expect(start, first).toBeGreaterThanOrEqual(0)
  const second = calls.findIndex((call, at) => at > start && next(call))
  let before = calls.slice(0, second).findLast(isFirst)
  for (const [what, matches] of rest) {
    const after = before?.returned ?? Infinity
    before = calls.find((call) => call.began > after && matches(call))
    expect(before, `${what}, after what has to come before it`).toBeDefined()
  }
}

test.skipIf(!CAN_TRACE)(
  'nothing is told before it is on the disk, and no file is made elsewhere (skipped where strace cannot trace)',
  async () => {
    await using folder = await temporary()
    const trace = join(folder.path, 'trace')
    const dataDir = join(folder.path, 'data')
    const images = join(folder.path, 'images')
    await mkdir(images)
    await using gateway = await startGateway({ DATA_DIR: dataDir, DISK_DIRS: images }, tracedStart(trace))
    const ask = async (query: string, variables: Record<string, unknown> = {}) =>
      (await postGraphql(gateway.endpoint, query, variables)).data
    await writeFile(join(images, 'a.img'), Buffer.alloc(3 * MIB, 7))

    const { registerDisk } = await ask(
      'mutation ($path: String!) { registerDisk(input: { path: $path, name: "a", kind: DATA }) { ... on RegisterDiskPayload { disk { id } } } }',
      { path: join(images, 'a.img') },
    )
    const diskId = registerDisk.disk.id as string
    const settled = (status: string, query: string, variables: Record<string, unknown>) =>
      vi.waitFor(
        async () => expect(JSON.stringify(await ask(query, variables))).toContain(`"${status}"`),
        30_000,
      )
    const disk = 'query ($id: ID!) { disk(id: $id) { status } }'

    const { createSnapshot } = await ask(
      'mutation ($id: ID!) { createSnapshot(input: { diskId: $id, name: "kept" }) { ... on CreateSnapshotPayload { snapshot { id status } } } }',
      { id: diskId },
    )
    const id = createSnapshot.snapshot.id as string
    await settled('COMPLETED', 'query ($id: ID!) { snapshot(id: $id) { status } }', { id })
    await ask(
      'mutation ($id: ID!, $diskId: ID!) { rollBackDisk(input: { diskId: $diskId, snapshotId: $id }) { __typename } }',
      { id, diskId },
    )
    await settled('UNMOUNTED', disk, { id: diskId })
    const { createDisk } = await ask(
      'mutation ($id: ID!) { createDisk(input: { snapshotId: $id, name: "b" }) { ... on CreateDiskPayload { disk { id } } ... on UserError { message } } }',
      { id },
    )
    await settled('UNMOUNTED', disk, { id: createDisk.disk.id })
    await ask('mutation ($id: ID!) { deleteSnapshot(input: { snapshotId: $id }) { __typename } }', { id })
    await vi.waitFor(
      async () =>
        expect((await ask('query ($id: ID!) { snapshot(id: $id) { status } }', { id })).snapshot).toBeNull(),
      30_000,
    )
    expect(await gateway.stop()).toBe(0)

    const calls = systemCalls(trace)
    const partial = /\.partial\/s-[^/>]+/
    const copy = new RegExp(`${partial.source}/image`)
    const manifest = new RegExp(`${partial.source}/manifest\\.json`)
    expectInOrder(calls, [
      ['the commit of an accepted snapshot is written', writes(LOG, id)],
      ['its log is flushed', syncs(LOG)],
      ['the mutation is answered', answers('"createSnapshot"')],
    ])
    expectInOrder(calls, [
      ['the copy is written', writes(copy)],
      ['the copy is flushed', syncs(copy)],
      ['the manifest is written', writes(manifest)],
      ['the manifest is flushed', syncs(manifest)],
      ['their directory is flushed', syncs(partial)],
      ['the copy is published', renames(/s-[^/"]+/, /s-[^/"]+/)],
      ['the directory of all copies is flushed', syncs(/snapshots/)],
      ['COMPLETED is committed', writes(LOG, 'CREATINGCOMPLETED')],
      ['the log is flushed', syncs(LOG)],
      ['COMPLETED is told', answers('"COMPLETED"')],
    ])
    const rolledBack = /images\/\.snapgate[^/>]+\/image/
    expectInOrder(calls, [
      ['the content to roll back to is written', writes(rolledBack)],
      ['it is flushed', syncs(rolledBack)],
      ['it replaces the image', renames(/image/, /a\.img/)],
      ['the directory of the image is flushed', syncs(/images/)],
      ['the end of the rollback is committed', writes(LOG, 'ROLLING_BACKUNMOUNTED')],
      ['the log is flushed', syncs(LOG)],
      ['the end of the rollback is told', answers('"UNMOUNTED"')],
    ])
    const created = /disks\/\.snapgate[^/>]+\/image/
    expectInOrder(calls, [
      ['the image of a new disk is written', writes(created)],
      ['it is flushed', syncs(created)],
      ['it gets its name', renames(/image/, /v-[^/"]+\.img/)],
      ['the directory of disks is flushed', syncs(/data\/disks/)],
      ['the new disk is committed', writes(LOG, 'CREATINGUNMOUNTED')],
      ['the log is flushed', syncs(LOG)],
      ['the new disk is told', answers('"UNMOUNTED"')],
    ])
    expectInOrder(calls, [
      ['the deletion is committed', writes(LOG, 'COMPLETEDDELETING')],
      ['the log is flushed', syncs(LOG)],
      ['the copy leaves the directory of copies', renames(/s-[^/"]+/, /removed/)],
      ['that directory is flushed', syncs(/snapshots/)],
      ['DELETED is committed', writes(LOG, 'DELETINGDELETED')],
      ['the log is flushed', syncs(LOG)],
      ['the snapshot is told to be gone', answers('"snapshot":null')],
    ])

    // Besides its own, Node keeps code that it has compiled.
    const own = new RegExp(`"(?:${folder.path}|/proc/|/dev/null|[^"]*/node_modules/\\.cache/)`)
    const made = calls.filter(({ name, text }) => name === 'openat' && /O_CREAT|O_TMPFILE/.test(text))
    expect(made.filter(({ text }) => !own.test(text)).map(({ text }) => text)).toEqual([])
  },
)
