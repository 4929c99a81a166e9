import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { connect, destinationOf, startCloudGateway, type CloudGateway } from '../support/cloud-gateway.ts'
import { temporaryKey } from '../support/fake-cloud/baidu.ts'

const DAY_MS = 86_400_000
const ENDS = `query ($id: ID!) { node(id: $id) { ... on Connection { state credentialsExpireAt credentialsWarnAt } } }`

const endsOf = async ({ app, connectionId }: CloudGateway, id = connectionId) =>
  (await app.graphql(ENDS, { id })).data.node

const warnings = ({ app }: CloudGateway) =>
  app.logged.filter(({ msg }) => msg === 'the credentials of a connection to a cloud expire soon').length

describe('the end of an application credential of OpenStack', () => {
  test('is shown, and warned of in its last tenth', async () => {
    await using gateway = await startCloudGateway('cinder', { LOG_LEVEL: 'warn' })
    const { cloud } = gateway
    const end = cloud.now() + 30 * DAY_MS
    cloud.credentialsEndAt = end
    await gateway.poll()
    const shown = {
      state: 'OK',
      credentialsExpireAt: new Date(end).toISOString(),
      credentialsWarnAt: new Date(end - 3 * DAY_MS).toISOString(),
    }
    expect(await endsOf(gateway)).toEqual(shown)
    await gateway.poll(20 * DAY_MS)
    expect([await endsOf(gateway), warnings(gateway)]).toEqual([shown, 0])
    await gateway.poll(8 * DAY_MS)
    await gateway.poll(3_600_000)
    expect([await endsOf(gateway), warnings(gateway)]).toEqual([shown, 1])
  })

  test('is unknown where there is none', async () => {
    await using gateway = await startCloudGateway('cinder')
    await gateway.poll()
    const unknown = { credentialsExpireAt: null, credentialsWarnAt: null }
    expect(await endsOf(gateway)).toEqual({ state: 'OK', ...unknown })
  })
})

test('a temporary key of Baidu that is replaced in its file is taken up before the old one ends, and none of its calls is refused', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'snapgate-key-'))
  onTestFinished(() => rm(dir, { recursive: true }))
  const file = join(dir, 'key.json')
  const give = async (until: number): Promise<void> => {
    await writeFile(`${file}.new`, JSON.stringify(temporaryKey(until)), { mode: 0o600 })
    await rename(`${file}.new`, file)
  }
  const reference = `file:${file}`
  await using gateway = await startCloudGateway('baidu', {
    CREDENTIAL_REFERENCES: reference,
    LOG_LEVEL: 'warn',
  })
  const { app, cloud, server } = gateway
  const first = cloud.now() + 7_200_000
  await give(first)
  const destination = destinationOf('baidu', server.url)
  const id = await connect(app, { ...destination, credentials: { reference }, name: 'by file' })
  await gateway.poll()
  expect(await endsOf(gateway, id)).toEqual({
    state: 'OK',
    credentialsExpireAt: new Date(first).toISOString(),
    credentialsWarnAt: new Date(first - 720_000).toISOString(),
  })
  await gateway.poll(7_000_000)
  expect(warnings(gateway)).toBe(1)
  const second = first + 7_200_000
  await give(second)
  await gateway.poll(100_000)
  expect(await endsOf(gateway, id)).toMatchObject({ credentialsExpireAt: new Date(second).toISOString() })
  await gateway.poll(1_000_000)
  expect(await endsOf(gateway, id)).toMatchObject({ state: 'OK' })
  expect(warnings(gateway)).toBe(1)
  // Without a new one, the end of the key is a refusal.
  await gateway.poll(8_000_000)
  expect(await endsOf(gateway, id)).toMatchObject({ state: 'CREDENTIALS_REFUSED' })
})

test('new credentials of a connection have no end until they have been used', async () => {
  await using gateway = await startCloudGateway('baidu')
  const { app, cloud, connectionId } = gateway
  const UPDATE = `mutation ($input: UpdateConnectionInput!) { updateConnection(input: $input) {
    ... on UpdateConnectionPayload { connection { state credentialsExpireAt credentialsWarnAt } } ... on UserError { message } } }`
  const give = async (until: number) => {
    const input = { connectionId, credentials: { baiduKey: temporaryKey(until) } }
    return (await app.graphql(UPDATE, { input })).data.updateConnection.connection
  }
  const end = cloud.now() + 7_200_000
  const unknown = { state: 'UNTRIED', credentialsExpireAt: null, credentialsWarnAt: null }
  expect(await give(end)).toEqual(unknown)
  await gateway.poll()
  expect(await endsOf(gateway)).toMatchObject({
    state: 'OK',
    credentialsExpireAt: new Date(end).toISOString(),
  })
  expect(await give(end)).toEqual(unknown)
})
