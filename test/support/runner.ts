import { pino } from 'pino'
import { Runner } from '../../src/runner/runner.ts'
import type { DiskProvider } from '../../src/providers/provider.ts'
import type { TestApp } from './app.ts'

/** Another runner on the gateway's database, as a second process has one; works when it is told to, by `tick()`. */
export function runnerOf(
  app: TestApp,
  provider: DiskProvider,
  { now = () => new Date(), concurrency = 2, leaseMs = 15_000, log = pino({ level: 'silent' }) } = {},
): Runner {
  return new Runner({
    db: app.db,
    provider,
    progress: app.progress,
    announce: () => app.hub.wake(),
    log,
    now,
    leaseNow: now,
    newId: app.newId,
    concurrency,
    leaseMs,
    random: () => 0,
  })
}
