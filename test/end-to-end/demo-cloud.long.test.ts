import { spawn } from 'node:child_process'
import { once } from 'node:events'
import process from 'node:process'
import { expect, test } from 'vitest'

const PORT = 14_300

async function graphql(query: string): Promise<any> {
  const response = await fetch(`http://127.0.0.1:${PORT}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query }),
  })
  return ((await response.json()) as { data: unknown }).data
}

test('npm run demo:cloud shows the disks of a simulated region, and its faults when they are switched on', async () => {
  const demo = spawn(process.execPath, ['scripts/demo-cloud.ts'], {
    env: { PATH: process.env.PATH, ENV_FILE: '/dev/null', PORT: String(PORT) },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const exited = once(demo, 'exit')
  try {
    let said = ''
    demo.stdout.on('data', (text: Buffer) => (said += text.toString()))
    await expect.poll(() => said, { timeout: 60_000 }).toContain('Ctrl-C stops everything')

    const list = '{ disks(filter: { provider: { eq: BAIDU } }) { nodes { id name status } } }'
    const disks = async () =>
      (await graphql(list)).disks.nodes as { id: string; name: string; status: string }[]
    await expect
      .poll(async () => (await disks()).map(({ name, status }) => [name, status]), { timeout: 20_000 })
      .toEqual([
        ['media-archive', 'UNMOUNTED'],
        ['old-reports', 'EXPIRED'],
        ['orders-db', 'IN_USE'],
        ['web-system', 'IN_USE'],
      ])

    await fetch(`http://127.0.0.1:${PORT + 2}/quota-full/on`, { method: 'PUT' })
    const id = (await disks())[0]?.id
    const create = `mutation { createSnapshot(input: { diskId: "${id}", name: "mine" }) {
      ... on CreateSnapshotPayload { snapshot { status } } ... on UserError { code } } }`
    expect((await graphql(create)).createSnapshot).toEqual({ code: 'UPSTREAM_REFUSED' })
    await fetch(`http://127.0.0.1:${PORT + 2}/quota-full/off`, { method: 'PUT' })
    await expect.poll(async () => (await disks())[0]?.status, { timeout: 30_000 }).toBe('UNMOUNTED')
    expect((await graphql(create)).createSnapshot).toEqual({ snapshot: { status: 'CREATING' } })
  } finally {
    demo.kill('SIGTERM')
    await exited
  }
}, 120_000)
