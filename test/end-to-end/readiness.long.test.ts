import { chmodSync, chownSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'
import SQLite from 'better-sqlite3'
import { expect, test } from 'vitest'
import { UNAVAILABLE, type Unavailability } from '../../src/domain/unavailable.ts'
import { CAN_MOUNT, mountTmpfs } from '../support/mounts.ts'
import { startGateway, type Gateway } from '../support/process.ts'
import { temporary } from '../support/real-disk.ts'

/** The user `nobody`, whom permissions apply to. */
const NOBODY = 65_534
const IS_ROOT = process.getuid?.() === 0

/** An idle gateway: nobody asks it anything but whether it is ready. */
function startIdle(dataDir: string, settings: Record<string, string> = {}, uid?: number) {
  return startGateway({ DATA_DIR: dataDir, DEMO: 'false', LOG_LEVEL: 'error', ...settings }, undefined, uid)
}

const ready = async ({ url }: Gateway) => {
  const response = await fetch(`${url}/readyz`)
  return [response.status, (await response.text()).trim()]
}

/** The errors that it logged; besides, it says that it is ready. */
const logged = ({ stdout }: Gateway) =>
  stdout()
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as { level: number })
    .filter(({ level }) => level >= 50)

/** Fails the test unless the gateway says within 2 s that it is not ready, and why, and logs one error: this one. */
async function expectRed(gateway: Gateway, reason: Unavailability, message: unknown): Promise<void> {
  const brokenAt = performance.now()
  await expect
    .poll(() => ready(gateway), { interval: 20, timeout: 2_000 })
    .toEqual([503, UNAVAILABLE[reason]])
  expect(performance.now() - brokenAt).toBeLessThan(2_000)
  // Later errors, which the first one causes, are not logged.
  await gateway.stop()
  expect(logged(gateway)).toMatchObject([{ reason, err: { message } }])
}

test.each<[fault: string, reason: Unavailability, message: string, act: (file: string) => void]>([
  ['deleted', 'REMOVED', 'is not there any more', (file) => rmSync(file)],
  ['moved away', 'REMOVED', 'is not there any more', (file) => renameSync(file, `${file}-away`)],
  ['truncated to nothing', 'REPLACED', 'is empty', (file) => truncateSync(file)],
  [
    'cut in half',
    'REPLACED',
    'was written to by something that is not SQLite',
    (file) => truncateSync(file, 65_536),
  ],
  [
    'overwritten',
    'REPLACED',
    'was written to by something that is not SQLite',
    (file) => writeFileSync(file, Buffer.alloc(400_000, 7), { flag: 'r+' }),
  ],
  [
    'replaced',
    'REPLACED',
    'is another file than the one that is open',
    (file) => {
      writeFileSync(`${file}-new`, Buffer.alloc(400_000, 7))
      renameSync(`${file}-new`, file)
    },
  ],
])(
  'a database that is %s under an idle gateway makes it not ready within 2 s, and the log names that error alone',
  async (_fault, reason, message, act) => {
    await using folder = await temporary()
    await using gateway = await startIdle(folder.path)
    const file = join(folder.path, 'snapgate.db')
    expect(await ready(gateway)).toEqual([200, 'ok'])
    act(file)
    await expectRed(gateway, reason, `${file} ${message}`)
  },
)

test.skipIf(!IS_ROOT).each<[what: string, path: string]>([
  ['the database', 'db/snapgate.db'],
  ['its directory', 'db'],
])('a gateway that loses the permission to %s is not ready within 2 s', async (_what, path) => {
  await using folder = await temporary()
  chownSync(folder.path, NOBODY, NOBODY)
  const url = `file:${join(folder.path, 'db', 'snapgate.db')}`
  await using gateway = await startIdle(folder.path, { DATABASE_URL: url }, NOBODY)
  expect(await ready(gateway)).toEqual([200, 'ok'])
  chmodSync(join(folder.path, path), 0)
  await expectRed(gateway, 'CANNOT_OPEN', expect.stringContaining('EACCES'))
})

test.skipIf(!CAN_MOUNT)('an idle gateway whose storage fills up is not ready within 2 s', async () => {
  using storage = mountTmpfs('32m')
  const DATABASE_URL = `file:${join(storage.path, 'snapgate.db')}`
  await using folder = await temporary()
  await using gateway = await startIdle(folder.path, { DATABASE_URL, MIN_FREE_BYTES: '16777216' })
  expect(await ready(gateway)).toEqual([200, 'ok'])
  writeFileSync(join(storage.path, 'filler'), Buffer.alloc(20 * 1024 * 1024))
  const begunAt = performance.now()
  await expect
    .poll(() => ready(gateway), { interval: 20, timeout: 2_000 })
    .toEqual([503, expect.stringMatching(/^New snapshots require 16 MiB of free storage; \d+ MiB are free/)])
  expect(performance.now() - begunAt).toBeLessThan(2_000)
})

test('a lock that another process holds makes an idle gateway not ready within 2 s', async () => {
  await using folder = await temporary()
  await using gateway = await startIdle(folder.path)
  const other = new SQLite(join(folder.path, 'snapgate.db'))
  other.exec('BEGIN EXCLUSIVE')
  await expect.poll(() => ready(gateway), { interval: 20, timeout: 2_000 }).toEqual([503, UNAVAILABLE.LOCKED])
  other.close()
  await expect.poll(() => ready(gateway)).toEqual([200, 'ok'])
})
