import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, open, readdir, readFile, realpath, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createLocalProvider, type LocalProvider } from '../../../src/providers/local/local.ts'
import type { CopyOutcome, CopyRequest, DiskReference } from '../../../src/providers/provider.ts'

export const KIB = 1024
export const MIB = 1024 * KIB
export const GIB = 1024 * MIB

/** Bytes by their position: what is not listed is a hole. */
export type Layout = readonly (readonly [position: number, bytes: Buffer])[]

export interface World extends AsyncDisposable {
  dir: string
  disks: string
  snapshots: string
  provider: LocalProvider
  /** Makes an image in the disks' directory, and returns its path. */
  image(name: string, sizeBytes: number, layout?: Layout): Promise<string>
  copy(location: string, request?: Partial<CopyRequest>): Promise<CopyOutcome>
  /** Everything under the snapshots' directory that is not the empty place for attempts. */
  kept(): Promise<string[]>
  /** Reads the image of a snapshot. */
  read(snapshotId?: string): Promise<Buffer>
}

/** Directories of the test's own, with a provider on them; all gone at its end. */
export async function makeWorld({
  snapshots = 'snapshots',
  monitors = [],
}: { snapshots?: string; monitors?: readonly string[] } = {}): Promise<World> {
  const dir = await realpath(await mkdtemp(join(tmpdir(), 'snapgate-local-')))
  const disks = join(dir, 'disks')
  await mkdir(disks)
  const snapshotsDir = join(dir, snapshots)
  const qmpSockets = monitors.map((name) => join(dir, name))
  const provider = createLocalProvider({ snapshotsDir, diskDirs: [disks], qmpSockets })
  return {
    dir,
    disks,
    snapshots: snapshotsDir,
    provider,
    async image(name, sizeBytes, layout = []) {
      const path = join(disks, name)
      await using file = await open(path, 'w')
      for (const [position, bytes] of layout) await file.write(bytes, 0, bytes.length, position)
      await file.truncate(sizeBytes)
      return path
    },
    copy: (location, request) =>
      provider.copy({
        snapshotId: 's-1',
        disk: diskAt(location),
        onProgress: () => undefined,
        signal: new AbortController().signal,
        ...request,
      }),
    async kept() {
      const names = await readdir(snapshotsDir, { recursive: true }).catch(() => [])
      return names.filter((name) => name !== '.partial').sort()
    },
    read: (snapshotId = 's-1') => readFile(join(snapshotsDir, snapshotId, 'image')),
    async [Symbol.asyncDispose]() {
      await provider[Symbol.asyncDispose]()
      await rm(dir, { recursive: true, force: true })
    },
  }
}

export function diskAt(location: string, disk?: Partial<DiskReference>): DiskReference {
  return { id: 'v-1', accountId: 'acc-1', kind: 'DATA', location, instanceId: null, ...disk }
}

export interface Other extends AsyncDisposable {
  process: ChildProcess
  /** Ends the process and returns when it is gone. */
  end(): Promise<void>
}

/** Starts another process that runs `script` with `process.argv[1]` = `path`, and waits until it says that it is ready. */
export async function startOther(script: string, path: string, as: { uid?: number } = {}): Promise<Other> {
  const other = spawn(process.execPath, ['--eval', script, path], {
    stdio: ['pipe', 'pipe', 'inherit'],
    ...as,
  })
  await once(other.stdout, 'data')
  const gone = once(other, 'exit')
  const end = async () => {
    other.kill('SIGKILL')
    await gone
  }
  return { process: other, end, [Symbol.asyncDispose]: end }
}

export const HOLD_OPEN = `
  require('node:fs').openSync(process.argv[1], 'r')
  console.log('ready')
  setInterval(() => {}, 1000)
`
