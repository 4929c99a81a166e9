import { constants } from 'node:fs'
import { copyFile, mkdtemp, open, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { pino } from 'pino'
import { expect } from 'vitest'
import { startApp, type AppOptions } from '../../src/app.ts'
import { readConfig } from '../../src/config.ts'
import type { Role } from '../../src/domain/role.ts'
import type { Disk } from '../../src/generated/prisma/client.ts'
import type { DiskKind, DiskStatus } from '../../src/domain/disk.ts'
import { accountNamed } from '../../src/services/accounts.ts'
import { newRandomId } from '../../src/services/clock.ts'
import { AMPLE } from './ample.ts'
import { copiedOnServer } from './postgresql.ts'
import { connectWebSocket, createSnapshot, postGraphql, streamEvents, type Ask } from './clients.ts'

export type TestApp = Awaited<ReturnType<typeof startTestApp>>

const MIB = 1024 ** 2
const JWT = /eyJ[\w-]{8,}\.[\w-]+\.[\w-]+/

/**
 * A whole gateway on a database, data directory and port of its own, gone with `await using`; on those of another one where
 * `DATABASE_URL` and `DATA_DIR` are given. It has no demo world, and works only when it is told to (`runner.tick()`), unless
 * `background` says otherwise.
 */
export async function startTestApp(environment: Record<string, string> = {}, options: AppOptions = {}) {
  const dataDir = environment.DATA_DIR ?? (await mkdtemp(join(tmpdir(), 'snapgate-')))
  const config = readConfig({
    PORT: '0',
    DATA_DIR: dataDir,
    DATABASE_URL: await urlOnServer(dataDir),
    DEMO: 'false',
    LOG_LEVEL: 'silent',
    // Tests of other things read the log for their own lines.
    LOG_OPERATIONS_PERCENT: '0',
    LOG_SLOW_MS: '600000',
    SHUTDOWN_MS: '0',
    ...AMPLE,
    // The suites are run with answers kept and not: `npm run test:cold`.
    ANSWER_CACHE_BYTES: process.env.ANSWER_CACHE_BYTES ?? '',
    ...environment,
  })
  const lines: string[] = []
  const logged: Record<string, unknown>[] = []
  const least = pino.levels.values[config.logLevel] ?? Infinity
  function write(text: string): void {
    for (const line of text.trimEnd().split('\n')) {
      const entry = JSON.parse(line) as { level: number }
      lines.push(line)
      if (entry.level >= least) logged.push(entry)
    }
  }
  // Without what takes secrets out of the lines of a real one: none should be in them to begin with.
  const log = pino({ level: 'trace' }, { write })
  const database = join(dataDir, 'snapgate.db')
  const { NEW_DATABASE: migrated } = process.env
  const isNew = environment.DATA_DIR === undefined && config.databaseUrl === `file:${database}`
  if (migrated !== undefined && isNew) await copyFile(migrated, database, constants.COPYFILE_EXCL)
  const app = await startApp(config, log, { background: false, ...options })
  const secrets: string[] = []
  const endpoint = `${app.url}/graphql`
  let disks = 0

  /** A client that sends this in Authorization, or in connection_init. */
  function client(authorization?: string) {
    const headers: Record<string, string> = authorization === undefined ? {} : { authorization }
    const graphql: Ask = (query, variables) => postGraphql(endpoint, query, variables, headers)
    return {
      graphql,

      /** Creates a snapshot of the disk; its id. Throws when it is refused. */
      snapshot: (disk: { id: string }, input: object = {}) => createSnapshot(graphql, disk, input),

      /** A client over graphql-transport-ws. */
      webSocket: () => connectWebSocket(endpoint.replace('http', 'ws'), headers),

      /** The events of a subscription over server-sent events. */
      sse: (query: string, variables?: Record<string, unknown>) =>
        streamEvents(endpoint, query, variables, headers),
    }
  }

  return {
    ...app,
    config,
    dataDir,
    endpoint,
    /** What the gateway logged; nothing unless LOG_LEVEL is given. */
    logged,

    ...client(),
    client,

    /** Expects that no line of the log has one of these texts, down to the level of traces. */
    keepSecret: (...texts: string[]) => void secrets.push(...texts),

    /** An API token, of the local account unless another one is named, which is then made. */
    async token(role: Role = 'ADMIN', account = 'local', expiresInDays: number | null = null) {
      const { id: accountId } = await accountNamed(app.db, account, {
        now: () => new Date(),
        newId: newRandomId,
      })
      const { apiToken, token } = await app.tokens.create(
        { accountId },
        { name: 'test', role, expiresInDays },
      )
      secrets.push(token)
      return { ...apiToken, token, ...client(`Bearer ${token}`) }
    },

    /** Registers a disk with an image of its own, of 1 MiB of data unless said otherwise; `status` is recorded as it is. */
    async disk({
      kind = 'DATA',
      name = `disk-${++disks}`,
      sizeMiB = 4,
      dataMiB = 1,
      status,
      attachedTo,
      accountId = app.viewer.accountId,
    }: {
      kind?: DiskKind
      name?: string
      sizeMiB?: number
      dataMiB?: number
      status?: DiskStatus
      attachedTo?: string
      accountId?: string
    } = {}): Promise<Disk & { path: string }> {
      const path = join(dataDir, 'disks', `${name}.img`)
      await writeImage(path, sizeMiB, dataMiB)
      const attachment = attachedTo === undefined ? null : { instanceId: attachedTo, device: null }
      const labels = { description: '', storageType: 'local', zone: 'local' }
      const disk = await app.disks.register({ accountId }, { path, name, kind, attachment, ...labels })
      if (status === undefined) return { ...disk, path }
      return { ...(await app.db.disk.update({ where: { id: disk.id }, data: { status } })), path }
    },

    /** Records snapshots that the disk holds already, without copies behind them. */
    async heldSnapshots(disk: Disk, count: number, type: 'MANUAL' | 'AUTOMATIC' = 'MANUAL'): Promise<void> {
      await app.db.snapshot.createMany({
        data: Array.from({ length: count }, (_, index) => ({
          id: `s-held${disk.name.replace(/\W/g, '')}${type}${String(index).padStart(4, '0')}`,
          accountId: disk.accountId,
          diskId: disk.id,
          diskKind: disk.kind,
          name: `held-${index}`,
          type,
          status: 'COMPLETED' as const,
          sizeBytes: disk.sizeBytes,
          createdAt: new Date(Date.UTC(2026, 0, 1) + index * 60_000),
        })),
      })
    },

    async [Symbol.asyncDispose](): Promise<void> {
      await app[Symbol.asyncDispose]()
      expect(
        lines.filter((line) => secrets.some((secret) => line.includes(secret)) || JWT.test(line)),
      ).toEqual([])
      if (environment.DATA_DIR === undefined) await rm(dataDir, { recursive: true, force: true })
    },
  }
}

const urls = new Map<string, string>()

/** The database on a server of the gateways of a data directory; undefined where they have a file in it. */
async function urlOnServer(dataDir: string): Promise<string | undefined> {
  const { NEW_DATABASE_SERVER: template } = process.env
  if (template === undefined) return undefined
  const url = urls.get(dataDir) ?? (await copiedOnServer(template))
  urls.set(dataDir, url)
  return url
}

/** Writes a sparse image with this much data, the same every time, at its start. */
export async function writeImage(path: string, sizeMiB: number, dataMiB: number): Promise<void> {
  await using file = await open(path, 'w')
  await file.truncate(sizeMiB * MIB)
  const piece = Buffer.alloc(MIB)
  for (let i = 0; i < dataMiB; i++) {
    for (let offset = 0; offset < MIB; offset += 4096) piece.writeDoubleLE(i * MIB + offset + 1, offset)
    await file.write(piece, 0, MIB, i * MIB)
  }
}
