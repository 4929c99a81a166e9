import { execFile, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { copyFile, mkdtempDisposable, readFile, writeFile } from 'node:fs/promises'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { startTestApp, type TestApp } from '../support/app.ts'

const DEPLOY = join(import.meta.dirname, '../../deploy')
const RULES = join(DEPLOY, 'prometheus/rules.yaml')

/** CI installs it, so there it must run. */
const isMissing = spawnSync('prometheus', ['--version']).error !== undefined && process.env.CI === undefined

interface Series {
  metric: Record<string, string>
  value: [time: number, value: string]
}

interface Dashboard {
  panels: { title: string; targets?: { expr: string }[] }[]
}

/** Prometheus with the rules, scraping this gateway each second. */
async function startPrometheus(folder: string, target: string) {
  const port = await freePort()
  await copyFile(RULES, join(folder, 'rules.yaml'))
  const given = await readFile(join(DEPLOY, 'prometheus/prometheus.yaml'), 'utf8')
  const config = given.replaceAll('15s', '1s').replaceAll('127.0.0.1:9464', target)
  await writeFile(join(folder, 'prometheus.yaml'), config)
  const args = [
    `--config.file=${join(folder, 'prometheus.yaml')}`,
    `--storage.tsdb.path=${join(folder, 'data')}`,
    `--web.listen-address=127.0.0.1:${port}`,
  ]
  const child = spawn('prometheus', args, { stdio: 'ignore' })
  const exited = once(child, 'exit')
  const get = async <T>(path: string, search: Record<string, string> = {}) => {
    const response = await fetch(`http://127.0.0.1:${port}/api/v1/${path}?${new URLSearchParams(search)}`)
    const { status, data, error } = (await response.json()) as { status: string; data: T; error?: string }
    if (status !== 'success') throw new Error(`${JSON.stringify(search)}: ${error}`)
    return data
  }
  return {
    query: async (query: string) => (await get<{ result: Series[] }>('query', { query })).result,
    rules: async () =>
      (await get<{ groups: { rules: Rule[] }[] }>('rules')).groups.flatMap(({ rules }) => rules),
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL')
      await exited
    },
  }
}

interface Rule {
  name: string
  query: string
  health: string
  lastError?: string
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

/** Everything that the dashboard shows: queries, refusals, errors, streams of both kinds, copies. */
async function load(app: TestApp): Promise<void> {
  const disk = await app.disk()
  const client = app.webSocket()
  const stream = client.iterate({ query: 'subscription { snapshotTransitions { to } }' })
  const events = [stream.next(), stream.next()]
  const id = await app.snapshot(disk)
  await app.runner.tick()
  await Promise.all(events)
  await Array.fromAsync(app.sse('subscription ($id: ID!) { snapshotStatus(id: $id) { to } }', { id }))
  await app.snapshot(disk).catch(() => undefined)
  await app.graphql('{ nothing }')
  for (let count = 0; count < 20; count++) await app.graphql('{ disks { nodes { id } } }')
  await stream.return?.()
  await client.dispose()
}

/** With nothing to show while all is well. */
const QUIET = ['Failed attempts']

test.skipIf(isMissing)('promtool finds the alert rules and the scrape configuration right', async () => {
  const { stdout } = await promisify(execFile)('promtool', ['check', 'rules', RULES])
  const config = await promisify(execFile)('promtool', [
    'check',
    'config',
    join(DEPLOY, 'prometheus/prometheus.yaml'),
  ])

  expect(stdout).toContain('SUCCESS: 13 rules found')
  expect(config.stdout).toContain('SUCCESS')
})

test.skipIf(isMissing)(
  'each query of the dashboard and of the rules finds its metrics in a real Prometheus, and no alert fires while all is well',
  async () => {
    await using folder = await mkdtempDisposable(join(tmpdir(), 'snapgate-'))
    await using app = await startTestApp({ METRICS: '127.0.0.1:0', SNAPSHOT_QUOTA_MANUAL: '1' })
    const { host } = new URL(app.metricsUrl ?? '')
    await using prometheus = await startPrometheus(folder.path, host)
    await expect.poll(() => prometheus.query('up == 1').catch(() => []), { timeout: 60_000 }).toHaveLength(1)
    const dashboard = JSON.parse(await readFile(join(DEPLOY, 'grafana/snapgate.json'), 'utf8')) as Dashboard
    const panels = dashboard.panels.flatMap(({ title, targets = [] }) =>
      targets.map(({ expr }) => ({
        title,
        query: expr.replaceAll('$instance', '.*').replaceAll('$__rate_interval', '1m'),
      })),
    )
    expect(panels.length).toBeGreaterThan(30)
    await load(app)

    /** Those that find nothing yet. */
    const empty = async () => {
      const found = await Promise.all(panels.map(({ query }) => prometheus.query(query)))
      return panels.filter((_, at) => found[at]?.length === 0).map(({ title }) => title)
    }
    // A rate needs two scrapes of a counter, so it has to move once more.
    await expect
      .poll(
        async () => {
          await load(app)
          return empty()
        },
        { timeout: 120_000, interval: 500 },
      )
      .toEqual(QUIET)

    const rules = await prometheus.rules()
    expect(rules).toHaveLength(13)
    expect(rules.filter(({ health, lastError }) => health !== 'ok' || lastError)).toEqual([])
    // Each compares with a metric that is there: without the comparison, it finds series.
    const served = await (await fetch(app.metricsUrl ?? '')).text()
    const named = rules.flatMap(({ query }) => query.match(/\b(snapgate|nodejs)_\w+/g) ?? [])
    expect(named.filter((name) => !served.includes(`\n${name}`))).toEqual([])
    expect(
      (await prometheus.query('ALERTS{alertstate="firing"}')).map(({ metric }) => metric['alertname']),
    ).toEqual([])
  },
  240_000,
)
