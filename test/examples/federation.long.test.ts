import { spawn } from 'node:child_process'
import { once } from 'node:events'
import process from 'node:process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { createClient } from 'graphql-sse'
import { expect, test } from 'vitest'
import { startTestApp, type TestApp } from '../support/app.ts'
import { postGraphql } from '../support/clients.ts'

const PROGRAM = fileURLToPath(new URL('../../examples/federation/main.ts', import.meta.url))

/** The federating gateway of the example, as a process, in front of this gateway and another subgraph. */
async function startFederation(app: TestApp) {
  const { token } = await app.token('ADMIN')
  const child = spawn(process.execPath, [PROGRAM], {
    env: { PATH: process.env.PATH, GATEWAY: app.endpoint, TOKEN: token },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const exited = once(child, 'exit')
  let output = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => (output += text))
  let url: string | undefined
  createInterface(child.stdout).on('line', (line) => {
    output += `${line}\n`
    if (line.startsWith('ready ')) url = line.slice('ready '.length)
  })
  await expect.poll(() => url ?? child.exitCode, { timeout: 30_000 }).not.toBeNull()
  if (url === undefined) throw new Error(output)
  return {
    url,
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL')
      await exited
    },
  }
}

test('a federating gateway composes this one with another subgraph, asks both, and passes on streams', async () => {
  await using app = await startTestApp()
  const disk = await app.disk()
  const id = await app.snapshot(disk)
  await app.runner.tick()
  const stranger = await app.token('ADMIN', 'other')
  const mine = await app.token('VIEWER')
  await using federation = await startFederation(app)
  const query = `query ($snapshotIds: [ID!]!) {
    releases(snapshotIds: $snapshotIds) { version snapshot { id releaseNotes status disk { name } } }
    disks { nodes { name } }
  }`
  const ask = async ({ token }: { token: string }, snapshotIds: string[]) =>
    (await postGraphql(federation.url, query, { snapshotIds }, { authorization: `Bearer ${token}` })).data

  expect(await ask(mine, [id, 's-none00000'])).toEqual({
    releases: [
      {
        version: '1.0',
        snapshot: {
          id,
          releaseNotes: `Before this release: ${id}.`,
          status: 'COMPLETED',
          disk: { name: 'disk-1' },
        },
      },
      { version: '1.1', snapshot: null },
    ],
    disks: { nodes: [{ name: 'disk-1' }] },
  })
  expect(await ask(stranger, [id])).toEqual({
    releases: [{ version: '1.0', snapshot: null }],
    disks: { nodes: [] },
  })

  const client = createClient({
    url: federation.url,
    headers: { authorization: `Bearer ${mine.token}` },
    retryAttempts: 0,
  })
  const events = client.iterate({
    query: `subscription ($id: ID!) { snapshotStatus(id: $id) { from to snapshot { name releaseNotes } } }`,
    variables: { id },
  })
  const snapshot = { name: 'taken', releaseNotes: `Before this release: ${id}.` }
  expect(await Array.fromAsync(events)).toMatchObject([
    { data: { snapshotStatus: { from: null, to: 'CREATING', snapshot } } },
    { data: { snapshotStatus: { from: 'CREATING', to: 'COMPLETED', snapshot } } },
  ])
})
