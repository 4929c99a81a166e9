import { renameSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { startTestApp } from '../support/app.ts'

test('while the database is lost, one line says so and one that it is back, whatever runs in the background', async () => {
  await using app = await startTestApp(
    { LOG_LEVEL: 'warn', INVENTORY_INTERVAL_MS: '100' },
    { background: true },
  )
  await app.disk()
  const path = join(app.dataDir, 'snapgate.db')
  const lines = () => app.logged.map(({ msg }) => String(msg).split(':')[0])
  const ready = async () => (await fetch(`${app.url}/readyz`)).status
  renameSync(path, `${path}-away`)
  await expect.poll(ready).toBe(503)
  await Promise.all(
    [app.scheduler.tick(), app.housekeeping.tick(), app.runner.tick()].map((tick) =>
      tick.catch(() => undefined),
    ),
  )
  renameSync(`${path}-away`, path)
  await expect.poll(ready).toBe(200)
  expect(lines()).toEqual(['not ready', 'ready again'])
})
