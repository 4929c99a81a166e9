import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test, vi } from 'vitest'
import { connect, destinationOf, startCloudGateway } from '../support/cloud-gateway.ts'
import { BAIDU_KEY } from '../support/fake-cloud/baidu.ts'

test('credentials in a file that were refused are tried again as soon as the file is replaced', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'snapgate-key-'))
  onTestFinished(() => rm(dir, { recursive: true }))
  const file = join(dir, 'key.json')
  const give = async (key: object): Promise<void> => {
    await writeFile(`${file}.new`, JSON.stringify(key), { mode: 0o600 })
    await rename(`${file}.new`, file)
  }
  await give({ ...BAIDU_KEY, accessKeyId: 'expired' })
  const reference = `file:${file}`
  const environment = { CREDENTIAL_REFERENCES: reference }
  await using gateway = await startCloudGateway('baidu', environment, { background: true })
  const { app, server } = gateway
  const id = await connect(app, {
    ...destinationOf('baidu', server.url),
    credentials: { reference },
    name: 'by file',
  })
  const state = async () => (await app.db.connection.findUniqueOrThrow({ where: { id } })).state
  await vi.waitFor(async () => expect(await state()).toBe('CREDENTIALS_REFUSED'), { timeout: 10_000 })

  await give(BAIDU_KEY)
  await vi.waitFor(async () => expect(await state()).toBe('OK'), { timeout: 10_000 })
})
