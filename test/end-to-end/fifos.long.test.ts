import { execFileSync } from 'node:child_process'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { writeImage } from '../support/app.ts'
import { postGraphql } from '../support/clients.ts'
import { startGateway, type Gateway } from '../support/process.ts'

/** Opening one for reading waits for a writer, and nobody writes. */
async function replaceByFifo(path: string): Promise<void> {
  await rm(path)
  execFileSync('mkfifo', [path])
}

const REGISTER = `mutation ($path: String!, $name: String!) {
  registerDisk(input: { path: $path, name: $name, kind: DATA }) { ... on RegisterDiskPayload { disk { id } } } }`
const CREATE = `mutation ($id: ID!) {
  createSnapshot(input: { diskId: $id, name: "taken" }) { ... on CreateSnapshotPayload { snapshot { id } } ... on UserError { code } } }`
const VERIFY = `mutation ($id: ID!) { verifySnapshot(input: { snapshotId: $id }) { __typename } }`
const SNAPSHOT = 'query ($id: ID!) { snapshot(id: $id) { status failureReason } }'
const DISK = 'query ($id: ID!) { disk(id: $id) { status statusReason } }'

test('FIFOs in the place of stored copies and images block neither both copy lanes nor SIGTERM', async () => {
  const dataDir = await mkdtemp(join(tmpdir(), 'snapgate-'))
  onTestFinished(() => rm(dataDir, { recursive: true, force: true }))
  await mkdir(join(dataDir, 'disks'))
  const environment = { DATA_DIR: dataDir, DEMO: 'false', LOG_LEVEL: 'error', COPY_CONCURRENCY: '2' }
  const image = (name: string) => join(dataDir, 'disks', `${name}.img`)
  const stored = (id: string) => join(dataDir, 'snapshots', id, 'image')
  let gateway: Gateway
  const ask = async (query: string, variables: Record<string, string>) => {
    const { data, errors } = await postGraphql(gateway.endpoint, query, variables)
    expect(errors).toBe(undefined)
    return data
  }
  const ended = (id: string) =>
    expect.poll(async () => (await ask(SNAPSHOT, { id })).snapshot as unknown, { timeout: 30_000 })
  const take = async (diskId: string) =>
    (await ask(CREATE, { id: diskId })).createSnapshot.snapshot.id as string
  const register = async (name: string) => {
    await writeImage(image(name), 4, 1)
    return (await ask(REGISTER, { path: image(name), name })).registerDisk.disk.id as string
  }
  const COMPLETED = { status: 'COMPLETED', failureReason: null }
  const UNAVAILABLE = { status: 'UNAVAILABLE', failureReason: 'The stored copy is not a regular file.' }

  gateway = await startGateway(environment)
  onTestFinished(() => gateway[Symbol.asyncDispose]())
  const [one, two, other] = [await register('one'), await register('two'), await register('other')]
  const snapshots = [await take(one), await take(two)]
  for (const id of snapshots) await ended(id).toEqual(COMPLETED)
  for (const id of snapshots) await replaceByFifo(stored(id))
  await Promise.all(snapshots.map((id) => ask(VERIFY, { id })))
  expect(await gateway.stop('SIGTERM')).toBe(0)

  gateway = await startGateway(environment)
  for (const id of snapshots) await ended(id).toEqual(UNAVAILABLE)
  await ended(await take(other)).toEqual(COMPLETED)
  await replaceByFifo(image('one'))
  await expect
    .poll(async () => (await ask(DISK, { id: one })).disk as unknown)
    .toEqual({ status: 'ERROR', statusReason: 'The image is neither a regular file nor a block device.' })
  expect((await ask(CREATE, { id: one })).createSnapshot.code).toBe('DISK_STATUS_FORBIDS_SNAPSHOT')
  await ended(await take(two)).toEqual(COMPLETED)
  expect(await gateway.stop('SIGTERM')).toBe(0)
})
