import { REASONS } from '../domain/reasons.ts'
import type { Database } from '../database/database.ts'
import type { Sql, Work } from '../database/work.ts'
import { CONNECTIONS_MAX, type CloudProvider, type ConnectionState } from '../domain/connection.ts'
import { ConnectionLimitExceeded, EndpointNotAllowed } from '../domain/refusals.ts'
import type { Connection } from '../generated/prisma/client.ts'
import type { Cloud } from '../providers/cloud/cloud.ts'
import { parseCredentials, SecretError } from '../providers/cloud/credentials.ts'
import { CloudFault, type FaultClass } from '../providers/cloud/faults.ts'
import type { Upstream } from '../providers/cloud/upstream.ts'
import { destinationProblem, openCloud } from '../providers/clouds.ts'
import type { Clock, Moment, NewId } from './clock.ts'
import {
  createConnectionCredentials,
  type CredentialsOptions,
  type GivenCredentials,
  type Owner,
} from './connection-credentials.ts'
import { recordChange, type Change } from './activity.ts'
import { lockOwned } from './owned.ts'
import { checkName } from './refuse.ts'
import { forgetUpstream } from './upstream-rows.ts'
import type { Sealing } from './sealing.ts'

export interface CreateConnection {
  name: string
  provider: CloudProvider
  region: string
  endpoint: URL | null
  credentials: GivenCredentials
}

/** What is left out stays as it is. */
export interface UpdateConnection {
  name?: string | undefined
  credentials?: GivenCredentials | undefined
}

/** What the gateway shows of a connection: its credentials stay in the database. */
export type ShownConnection = Omit<Connection, (typeof HIDDEN)[number]>

/** Credentials, and leases. */
const HIDDEN = ['sealed', 'sealKey', 'reference', 'pollOwner', 'pollUntil'] as const

export interface ConnectionOptions extends CredentialsOptions {
  /** The hosts that may be called besides the clouds' own. */
  upstreamHosts: readonly string[]
  /** Called after a commit that appended transitions, or asks for a pass. */
  announce?: () => void
  /** Measures the calls of a cloud. */
  watched?: (cloud: Cloud) => Cloud
  now: Clock
  newId: NewId
}

export type ConnectionService = ReturnType<typeof createConnectionService>

/** How long a test may take, in milliseconds. */
const TEST_MS = 30_000

/** What is known of a connection with new credentials. */
const UNTRIED = {
  state: 'UNTRIED',
  stateReason: null,
  credentialsExpireAt: null,
  credentialsWarnAt: null,
} as const

/** The state that each kind of fault puts a connection in. */
const STATE_AFTER: Record<FaultClass, ConnectionState> = {
  PASSING: 'UNREACHABLE',
  UNCLEAR: 'UNREACHABLE',
  UNREACHABLE: 'UNREACHABLE',
  THROTTLED: 'THROTTLED',
  CREDENTIALS: 'CREDENTIALS_REFUSED',
  CLOCK: 'CLOCK_WRONG',
}

/** Connections to clouds. Credentials go in and never come out: what is returned does not have them. */
export function createConnectionService(options: ConnectionOptions) {
  const { db, upstreamHosts, watched = (cloud: Cloud) => cloud, now, newId } = options
  const { announce = () => undefined } = options
  const { columnsOf, secretOf } = createConnectionCredentials(options)

  /** What speaks to the cloud of a connection, at the pace that is given. Nothing is asked yet. */
  function open(
    { id, accountId, provider, region, endpoint }: ShownConnection,
    pace?: (upstream: Upstream) => Upstream,
  ): Cloud {
    const options = {
      provider: nameOf(provider),
      region,
      endpoint: endpoint === null ? undefined : new URL(endpoint),
      secret: () => secretOf(id, accountId),
      secretPlace: 'The credentials',
      upstreamHosts,
      pace,
      now,
    }
    return watched(openCloud(options))
  }

  const note = (connection: ShownConnection, outcome: Outcome) => noteOutcome(options, connection, outcome)

  async function test(owner: Owner, id: string): Promise<ShownConnection> {
    const connection = await db.write((sql) => lockOwned(sql, 'Connection', owner, id))
    const signal = AbortSignal.timeout(TEST_MS)
    const asked = open(shown(connection)).listDisks(undefined, signal)
    return note(connection, await asked.then(() => ALL_WELL, stateAfter))
  }

  /** Tests of connections that are in progress: those who ask meanwhile get the same answer. */
  const testing = new Map<string, Promise<ShownConnection>>()

  return {
    /** Creates a connection, or throws the refusal. Nothing is asked of the cloud. */
    async create({ accountId }: Owner, input: CreateConnection): Promise<ShownConnection> {
      const { name, provider, region, endpoint, credentials } = input
      checkName(name)
      const problem = destinationProblem({
        provider: nameOf(provider),
        region,
        endpoint: endpoint ?? undefined,
        upstreamHosts,
      })
      if (problem !== undefined) throw new EndpointNotAllowed(problem)
      const own = { id: newId('Connection'), accountId, provider }
      const secret = await columnsOf(own, credentials)
      const createdAt = now()
      return db.write(function* (sql): Work<ShownConnection> {
        // The account, because its connections are counted.
        yield* sql.lock('Account', { id: accountId })
        if ((yield* sql.count('Connection', { accountId })) >= CONNECTIONS_MAX)
          throw new ConnectionLimitExceeded()
        yield* recordConnection(sql, { ...own, name }, 'CREATE_CONNECTION', { newId, at: createdAt })
        return shown(
          yield* sql.insert('Connection', {
            ...own,
            ...secret,
            name,
            region,
            endpoint: endpoint?.href ?? null,
            createdAt,
            stateSince: createdAt,
          }),
        )
      })
    },

    /** Changes what is given. A connection whose credentials change is untried again. */
    async update(
      owner: Owner,
      id: string,
      { name, credentials }: UpdateConnection,
    ): Promise<ShownConnection> {
      if (name !== undefined) checkName(name)
      const before = await db.write((sql) => lockOwned(sql, 'Connection', owner, id))
      const secret = credentials && {
        ...(await columnsOf(before, credentials)),
        ...UNTRIED,
        stateSince: now(),
      }
      return db.write(function* (sql): Work<ShownConnection> {
        yield* changing(sql, owner, id, 'UPDATE_CONNECTION', { newId, at: now() })
        yield* sql.update('Connection', { name, ...secret }, { id, accountId: owner.accountId })
        return shown(yield* lockOwned(sql, 'Connection', owner, id))
      })
    },

    /** Removes a connection, and what the gateway has of its disks and snapshots; nothing changes in the cloud. */
    async remove(owner: Owner, id: string): Promise<void> {
      await removeConnection(options, owner, id)
      announce()
    },

    /** Asks for a pass over the disks and snapshots of a connection, soon. */
    async refresh(owner: Owner, id: string): Promise<ShownConnection> {
      const asked = await askForPass(options, owner, id)
      announce()
      return asked
    },

    /** Asks the cloud for a page of disks, and notes how that ended. */
    test(owner: Owner, id: string): Promise<ShownConnection> {
      const key = `${owner.accountId} ${id}`
      const running = testing.get(key)
      if (running) return running
      const tested = test(owner, id).finally(() => testing.delete(key))
      testing.set(key, tested)
      return tested
    },

    open,
    note,
  }
}

/** Notes how a call ended; nothing is written when that is known. */
function noteOutcome(
  { db, now }: ConnectionOptions,
  { id, accountId }: ShownConnection,
  { state, reason }: Outcome,
): Promise<ShownConnection> {
  return db.write(function* (sql): Work<ShownConnection> {
    const connection = yield* lockOwned(sql, 'Connection', { accountId }, id)
    if (connection.state === state && connection.stateReason === reason) return shown(connection)
    const since = connection.state === state ? {} : { stateSince: now() }
    const change = { state, stateReason: reason, ...since }
    yield* sql.update('Connection', change, { id, accountId })
    return shown({ ...connection, ...change })
  })
}

async function removeConnection(
  { db, now, newId }: ConnectionOptions,
  owner: Owner,
  id: string,
): Promise<void> {
  // From here on nothing is written any more for the connection.
  await db.write(function* (sql) {
    yield* changing(sql, owner, id, 'DELETE_CONNECTION', { newId, at: now() })
    yield* sql.delete('Connection', { id, accountId: owner.accountId })
  })
  await forgetUpstream(db, id, now())
}

function askForPass({ db, now }: ConnectionOptions, owner: Owner, id: string): Promise<ShownConnection> {
  return db.write(function* (sql): Work<ShownConnection> {
    yield* lockOwned(sql, 'Connection', owner, id)
    yield* sql.update('Connection', { refreshAt: now() }, { id, accountId: owner.accountId })
    return shown(yield* lockOwned(sql, 'Connection', owner, id))
  })
}

/**
 * Seals again, with the key in use, what an earlier key has sealed, of all accounts. Returns how many, and how many no key
 * opens.
 */
export async function sealAnew(
  db: Database,
  sealing: Sealing,
): Promise<{ sealed: number; unopened: number }> {
  const done = { sealed: 0, unopened: 0 }
  const stale = await db.connection.findMany({
    where: { sealKey: { not: sealing.current ?? '' } },
    select: { id: true },
  })
  for (const { id } of stale) {
    const outcome = await db.write((sql) => sealAgain(sql, sealing, id))
    if (outcome) done[outcome]++
  }
  return done
}

/** Seals the credentials of a connection with the key in use; undefined when that is so already. */
function* sealAgain(sql: Sql, sealing: Sealing, id: string): Work<'sealed' | 'unopened' | undefined> {
  const row = yield* sql.lock('Connection', { id })
  if (row?.sealed == null || row.sealKey == null || row.sealKey === sealing.current) return undefined
  const { sealed, sealKey, accountId } = row
  const secret = sealing.open({ sealed, sealKey }, row)
  const again = secret === undefined ? undefined : sealing.seal(secret, row)
  if (!again) return 'unopened'
  yield* sql.update('Connection', again, { id, accountId })
  return 'sealed'
}

/** Locks a connection, and records what is about to be done with it. */
function* changing(sql: Sql, owner: Owner, id: string, action: Change['action'], moment: Moment): Work<void> {
  yield* recordConnection(sql, yield* lockOwned(sql, 'Connection', owner, id), action, moment)
}

function* recordConnection(
  sql: Sql,
  { id: subjectId, accountId, name: subjectName }: Pick<Connection, 'id' | 'accountId' | 'name'>,
  action: Change['action'],
  { newId, at }: Moment,
): Work<void> {
  yield* recordChange(sql, newId, { accountId, action, at, subjectId, subjectName })
}

/** How a call ended, for the state of its connection. */
export interface Outcome {
  state: ConnectionState
  reason: string | null
}

/** After a call that was answered. */
export const ALL_WELL: Outcome = { state: 'OK', reason: null }

/** After a call that failed. Throws what is no failure of the cloud. */
export function stateAfter(error: unknown): Outcome {
  if (error instanceof CloudFault) return { state: STATE_AFTER[error.class], reason: error.message }
  if (error instanceof SecretError) return { state: 'CREDENTIALS_REFUSED', reason: error.message }
  if (error instanceof Error && error.name === 'TimeoutError')
    return { state: 'UNREACHABLE', reason: REASONS.CLOUD_SILENT }
  throw error
}

/** Whether a text is what the credentials of this provider look like. */
export function areCredentials(provider: CloudProvider, text: string): boolean {
  try {
    parseCredentials(nameOf(provider), text, 'The credentials')
    return true
  } catch (error) {
    if (error instanceof SecretError) return false
    throw error
  }
}

/** A connection without its credentials. */
function shown(connection: Connection): ShownConnection {
  const hidden: Partial<Connection> = { ...connection }
  for (const column of HIDDEN) Reflect.deleteProperty(hidden, column)
  return hidden as ShownConnection
}

/** The name of a provider: of its folder, and in commands. */
const nameOf = (provider: CloudProvider) => provider.toLowerCase() as Lowercase<CloudProvider>
