import { mkdtempDisposable, readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { postGraphql } from '../support/clients.ts'
import { startGateway } from '../support/process.ts'

const PRELOAD = join(import.meta.dirname, '../support/loaded-modules.ts')

/** The packages, and the files of the gateway, that a process has loaded after it has answered a query. */
async function loadedBy(environment: Record<string, string>): Promise<Set<string>> {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'snapgate-'))
  const list = join(folder.path, 'modules')
  await using gateway = await startGateway({
    DATA_DIR: join(folder.path, 'data'),
    DEMO: 'false',
    LOADED_MODULES: list,
    NODE_OPTIONS: `--import ${PRELOAD}`,
    ...environment,
  })
  expect(await postGraphql(gateway.endpoint, '{ disks { totalCount } }')).toMatchObject({
    data: { disks: { totalCount: 0 } },
  })
  const urls = (await readFile(list, 'utf8')).split('\n')
  return new Set(
    urls.map(
      (url) =>
        /node_modules\/((?:@[^/]+\/)?[^/]+)(?!.*node_modules)/.exec(url)?.[1] ?? url.replace(/.*\/src\//, ''),
    ),
  )
}

/** What is only there for those who have set something. */
const OPTIONAL = [
  '@opentelemetry/sdk-trace',
  '@opentelemetry/exporter-trace-otlp-proto',
  '@opentelemetry/resources',
  'prom-client',
  'observability/metrics.ts',
  'pg',
  '@prisma/adapter-pg',
  'database/postgresql/open.ts',
  'ioredis',
  'jose',
  'server/auth/jwt.ts',
]

test('without an endpoint for traces, METRICS, Redis, PostgreSQL or JWTs, what they need is not loaded', async () => {
  const loaded = await loadedBy({})

  expect(loaded).toContain('@opentelemetry/api')
  expect(loaded).toContain('better-sqlite3')
  expect(OPTIONAL.filter((name) => loaded.has(name))).toEqual([])
})

test('with an endpoint for traces and METRICS, the SDK of OpenTelemetry and prom-client are loaded', async () => {
  const loaded = await loadedBy({
    OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9',
    METRICS: '127.0.0.1:0',
  })

  expect(OPTIONAL.filter((name) => loaded.has(name))).toEqual(OPTIONAL.slice(0, 5))
})
