import { expect, test } from 'vitest'
import type { FileDatabase } from '../../src/database/database.ts'
import { startTestApp } from '../support/app.ts'

test('a runner that hangs makes the gateway not ready after 30 s, and ready again when it goes on', async () => {
  await using app = await startTestApp()
  const disk = await app.disk()
  await app.snapshot(disk)
  const status = async () => (await fetch(`${app.url}/readyz/runner`)).status
  // What claims a job waits for the connection that writes, which is never given back.
  const release = await (app.db as FileDatabase).writer.acquire()
  app.runner.start()

  expect(await status()).toBe(200)
  await expect.poll(status, { timeout: 40_000, interval: 500 }).toBe(503)
  expect(await (await fetch(`${app.url}/readyz`)).text()).toBe('Jobs are not being run.\n')
  release()
  await expect.poll(status, { timeout: 5_000 }).toBe(200)
})
