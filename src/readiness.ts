import type { Database } from './database/database.ts'
import { migrationsCheck } from './database/sqlite/migrations.ts'
import { CLOUD_PROVIDERS, type ConnectionState } from './domain/connection.ts'
import { UNAVAILABLE } from './domain/unavailable.ts'
import { Prisma } from './generated/prisma/client.ts'
import type { DiskProvider } from './providers/provider.ts'
import type { Runner } from './runner/runner.ts'
import type { ProbesOptions } from './server/http/probes.ts'
import type { SpaceRefusals } from './services/free-space.ts'

/** What has to be well for the gateway to be ready, by the names of the checks. */
export function readinessChecks({
  db,
  runner,
  provider,
  spaceRefusals,
}: {
  db: Database
  runner: Pick<Runner, 'problem'>
  provider: Pick<DiskProvider, 'name' | 'host' | 'problem'>
  spaceRefusals: SpaceRefusals
}): ProbesOptions['checks'] {
  return {
    database() {
      const reason = db.health.unready()
      return reason && UNAVAILABLE[reason]
    },
    'write-ahead-log': () => db.logBound?.problem(),
    migrations: migrationsCheck(db.reader),
    runner: () => runner.problem(),
    space: () => spaceRefusals(provider.host)[0]?.message,
    [`provider-${provider.name}`]: () => provider.problem(),
  }
}

/**
 * What is reported beside readiness: for each cloud, how many connections cannot be used. The credentials of one account must not
 * make the gateway unready for the others.
 */
export function readinessReports({ reader }: Pick<Database, 'reader'>): ProbesOptions['reports'] {
  const providers = Object.keys(CLOUD_PROVIDERS)
  return Object.fromEntries(
    providers.map((provider) => [
      `provider-${provider.toLowerCase()}`,
      () => {
        const states = reader.all<{ state: ConnectionState; number: number }>(
          Prisma.sql`SELECT "state", count(*) AS "number" FROM "Connection"
            WHERE "provider" = ${provider} AND "state" NOT IN ('OK', 'UNTRIED') GROUP BY "state" ORDER BY "state"`,
        )
        const counts = states.map(({ state, number }) => `${number} ${state}`)
        return counts.length === 0 ? undefined : `Connections that cannot be used: ${counts.join(', ')}.`
      },
    ]),
  )
}
