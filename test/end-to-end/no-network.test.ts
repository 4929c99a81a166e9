import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { streamEvents } from '../support/clients.ts'
import { startGateway } from '../support/process.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const NODE_OPTIONS = `--import ${new URL('../support/refuse-network.ts', import.meta.url).href}`

test('the gateway makes its demo world, serves GraphiQL and completes a snapshot without using the network', async () => {
  const dataDir = await mkdtemp(join(tmpdir(), 'snapgate-'))
  const gateway = await startGateway({ DATA_DIR: dataDir, NODE_OPTIONS })

  const page = await fetch(gateway.endpoint, { headers: { accept: 'text/html' } })
  expect([page.status, page.headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8'])
  const id = await gateway.snapshot({ id: 'v-ordersdb' })
  const status = 'subscription ($id: ID!) { snapshotStatus(id: $id) { to } }'
  const events = await Array.fromAsync(streamEvents(gateway.endpoint, status, { id }))
  expect(events.map((event) => event.data.snapshotStatus.to)).toEqual(['CREATING', 'COMPLETED'])

  expect(await gateway.stop('SIGTERM')).toBe(0)
  expect(gateway.stdout()).not.toContain('NETWORK')
  await rm(dataDir, { recursive: true })
})

test('what watches over that does stop a program that goes out', async () => {
  const going = promisify(execFile)(
    process.execPath,
    ['-e', "require('node:net').connect(80, '192.0.2.1')"],
    {
      cwd: ROOT,
      env: { NODE_OPTIONS },
    },
  )

  await expect(going).rejects.toMatchObject({ code: 99, stderr: 'NETWORK 192.0.2.1\n' })
})
