import { PrismaPg } from '@prisma/adapter-pg'
import { Pool as PgPool } from 'pg'
import type { PrismaClient } from '../../generated/prisma/client.ts'
import { PrismaClient as PostgresqlClient } from '../../generated/postgresql/client.ts'
import type { DatabaseObserver } from '../observer.ts'
import { announcing } from './adapter.ts'
import { Pool } from './pool.ts'
import { connectionSettings } from './settings.ts'
import { Writes } from './writes.ts'

/** How many connections a gateway has for writes, and for what else Prisma does for it. */
const WRITE_CONNECTIONS = 8
const PRISMA_CONNECTIONS = 3

/** How long a statement of Prisma's may take, in milliseconds: nobody waits for them but work in the background. */
const PRISMA_STATEMENT_MS = 10_000

export interface ServerOptions {
  /** `postgresql://…` */
  url: string
  /** Whether the server is known not to answer. */
  isAway?: () => boolean
  /** Called after each commit that changed something; a write resolves when this does. */
  onCommitted?: () => Promise<void> | void
  /** Is told what transactions do. */
  observer?: DatabaseObserver | undefined
  /** Called with the SQL of every statement. */
  onStatement?: ((sql: string) => void) | undefined
}

/** The tables on a PostgreSQL server, by Prisma and by verbs; or throws an Error that says why it cannot be used. */
export async function openServer({
  url,
  isAway = () => false,
  onCommitted = () => undefined,
  observer,
  onStatement,
}: ServerOptions) {
  await using opened = new AsyncDisposableStack()
  const pool = opened.use(new Pool({ url, max: WRITE_CONNECTIONS, isAway, onStatement }))
  await pool.warm()
  const connections = new PgPool({
    ...connectionSettings(url),
    max: PRISMA_CONNECTIONS,
    query_timeout: PRISMA_STATEMENT_MS,
  })
  connections.on('error', () => undefined)
  opened.defer(() => connections.end())
  const client = new PostgresqlClient({
    adapter: announcing(
      new PrismaPg(connections, { onPoolError: () => undefined, onConnectionError: () => undefined }),
      onCommitted,
    ),
    log: onStatement ? [{ emit: 'event', level: 'query' }] : [],
  })
  if (onStatement) client.$on('query', ({ query }) => onStatement(query))
  opened.defer(() => client.$disconnect())
  const writes = new Writes({ pool, onCommitted, observer })
  const parts = opened.move()
  return {
    // The same models and columns; statuses and kinds are text, which the types of SQLite say more of.
    client: client as unknown as PrismaClient,
    write: writes.write.bind(writes),
    [Symbol.asyncDispose]: () => parts.disposeAsync(),
  }
}
