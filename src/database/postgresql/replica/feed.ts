import { Client } from 'pg'
import {
  allRowsSql,
  changesSql,
  LAST_COMMIT,
  LAST_COMMIT_AND_TIME,
  type FedColumns,
  type TableChanges,
} from './changes.ts'
import { isConstraint, ReplicaFile, type At, type ReadTable } from './file.ts'

/** Where commits are announced; a hint, which may get lost. */
export const CHANNEL = 'snapgate'

/** How long a question may take that PostgreSQL answers at once, in milliseconds. */
const QUESTION_MS = 1_000
/** How long the changes since may take. */
const CHANGES_MS = 30_000
/** How many rows of a copy are read at once. */
const ROWS_TOGETHER = 5_000

/** A generic plan of the feed's statement takes 0.2 ms, each custom one takes milliseconds to make. */
export const FEED_SETTINGS = `SET TimeZone = 'UTC'; SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off;
  SET jit = off; SET default_transaction_isolation = 'read committed'`

export interface FeedOptions {
  /** Where the file is to be. */
  path: string
  kept: ReplicaFile | undefined
  wake: () => void
}

/** One connection that reads what commits have changed, and puts it into a replica. */
export class Feed {
  readonly #client: Client
  readonly #changes: { name: string; text: string }
  readonly file: ReplicaFile
  /** Whether the connection has ended. */
  isLost = false
  /** How far the clock of the server is ahead of this machine's, in milliseconds. */
  clockOffsetMs = 0

  private constructor(client: Client, file: ReplicaFile) {
    this.#client = client
    this.file = file
    client.on('error', () => (this.isLost = true))
    client.on('end', () => (this.isLost = true))
    this.#changes = { name: 'changes', text: changesSql(file.tables) }
  }

  /** Connects; makes a file when none was kept. `wake` is called at each hint, and when the connection is lost. */
  static async open(url: string, { path, kept, wake }: FeedOptions): Promise<Feed> {
    const client = new Client({
      connectionString: url,
      application_name: 'snapgate replica',
      connectionTimeoutMillis: QUESTION_MS,
      keepAlive: true,
    })
    // Without a listener, an error of an idle connection would end the process.
    client.on('error', wake)
    client.on('end', wake)
    client.on('notification', wake)
    try {
      await client.connect()
      await client.query(`${FEED_SETTINGS}; LISTEN "${CHANNEL}"`)
      return new Feed(client, kept ?? (await copied(client, path)))
    } catch (error) {
      await client.end().catch(() => undefined)
      throw error
    }
  }

  /**
   * Brings the replica to where the database is when this is called, or later; the names of the tables that have changed. `merging` is
   * called before all of the database is read again, which takes a while.
   */
  async sync(merging: () => Promise<void>): Promise<ReadonlySet<string>> {
    const { at } = this.file
    const asked = Date.now()
    const [last] = await this.#ask({ name: 'last', text: LAST_COMMIT_AND_TIME })
    this.clockOffsetMs = Number(last?.[2] ?? asked) - (asked + Date.now()) / 2
    if (last && Number(last[0]) === at.version && last[1] === at.id) return NOTHING
    const [head, ...changed] = await this.#ask({ ...this.#changes, values: [at.version, at.id] }, CHANGES_MS)
    const { version, id, isKnown, isFew } = JSON.parse(String(head?.[2])) as At & {
      isKnown: boolean
      isFew: boolean
    }
    if (isKnown && isFew) {
      const changes = changed.map(
        ([name, keys, rows]) => ({ name, keys: keys ?? '[]', rows: rows ?? '[]' }) as TableChanges,
      )
      try {
        this.file.apply(changes, { version, id })
        return new Set(changes.map(({ name }) => name))
      } catch (error) {
        if (!isConstraint(error)) throw error
      }
    }
    await merging()
    await inOneState(this.#client, (now, read) => this.file.merge(now, read))
    return new Set(this.file.tables.map(({ name }) => name))
  }

  async #ask(
    query: { name: string; text: string; values?: unknown[] },
    timeoutMs = QUESTION_MS,
  ): Promise<(string | null)[][]> {
    const { rows } = await this.#client.query<(string | null)[]>({
      ...query,
      rowMode: 'array',
      query_timeout: timeoutMs,
    } as never)
    return rows
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.race([
      this.#client.end(),
      new Promise((resolve) => setTimeout(resolve, QUESTION_MS).unref()),
    ]).catch(() => undefined)
  }
}

const NOTHING: ReadonlySet<string> = new Set()

function copied(client: Client, path: string): Promise<ReplicaFile> {
  return inOneState(client, (at, read) => ReplicaFile.made(path, at, read))
}

/** Reads whole tables as they are at one commit. */
async function inOneState<T>(client: Client, work: (at: At, read: ReadTable) => Promise<T>): Promise<T> {
  await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL enable_seqscan = on')
  try {
    const { rows } = await client.query<[string, string]>({ text: LAST_COMMIT, rowMode: 'array' })
    const [version, id] = rows[0] ?? []
    if (version === undefined || id === undefined)
      throw new Error('The database has no table Commit with a row.')
    return await work({ version: Number(version), id }, (table) => partsOf(client, table))
  } finally {
    await client.query('ROLLBACK')
  }
}

async function* partsOf(client: Client, table: FedColumns): AsyncGenerator<string> {
  await client.query(`DECLARE "all" NO SCROLL CURSOR FOR ${allRowsSql(table)}`)
  for (;;) {
    const { rows } = await client.query<[string]>({
      text: `FETCH ${ROWS_TOGETHER} FROM "all"`,
      rowMode: 'array',
    })
    if (rows.length > 0) yield `[${rows.join()}]`
    if (rows.length < ROWS_TOGETHER) break
  }
  await client.query('CLOSE "all"')
}
