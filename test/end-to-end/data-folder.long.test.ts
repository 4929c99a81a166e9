import { execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempDisposableSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { expect, test } from 'vitest'
import { postGraphql } from '../support/clients.ts'
import { run, startGateway } from '../support/process.ts'

const NOBODY = 65_534
const TOKEN = 'src/commands/token.ts'

/** The files and folders below one for which others than the owner have any permission. */
function openToOthers(folder: string): string[] {
  return execFileSync('find', [folder, '-perm', '/077', '-not', '-type', 'l'], { encoding: 'utf8' })
    .split('\n')
    .filter(Boolean)
}

/** Whether another user can read a file, or list a folder. */
function canRead(path: string): boolean {
  try {
    execFileSync('cat', [path], { uid: NOBODY, gid: NOBODY, stdio: 'pipe' })
    return true
  } catch {
    return false
  }
}

test('other users can read nothing of the data, also of what an earlier version left open', async () => {
  using outside = mkdtempDisposableSync(join(tmpdir(), 'snapgate-'))
  chmodSync(outside.path, 0o755)
  const env = { DATA_DIR: join(outside.path, 'data') }
  {
    await using gateway = await startGateway(env)
    const { data } = await postGraphql(gateway.endpoint, '{ disks { nodes { id } } }')
    expect(data.disks.nodes.length).toBeGreaterThan(0)
    await gateway.stop()
  }
  expect(openToOthers(env.DATA_DIR)).toEqual([])

  execFileSync('chmod', ['-R', 'a+rwX', env.DATA_DIR])
  const secret = join(env.DATA_DIR, 'snapgate.db')
  if (process.getuid?.() === 0) expect(canRead(secret)).toBe(true)
  await using gateway = await startGateway(env)
  await run(TOKEN, ['create', '--name', 'me', '--role', 'admin'], env)
  expect(openToOthers(env.DATA_DIR)).toEqual([])
  if (process.getuid?.() === 0) {
    expect([secret, `${secret}-wal`, `${secret}-shm`].filter(canRead)).toEqual([])
  }
  await gateway.stop()
})

test('a folder that holds other things is not closed with them, and the log says what to do', async () => {
  using outside = mkdtempDisposableSync(join(tmpdir(), 'snapgate-'))
  const home = join(outside.path, 'home')
  mkdirSync(join(home, 'Documents'), { recursive: true })
  chmodSync(home, 0o755)
  chmodSync(join(home, 'Documents'), 0o755)
  await using gateway = await startGateway({ DATA_DIR: home, DEMO: 'false' })
  expect(openToOthers(home).sort()).toEqual([home, join(home, 'Documents')])
  expect(gateway.stdout()).toContain(
    `${home} is open to other users, and also holds Documents. Give the gateway a folder of its own as DATA_DIR.`,
  )
  await gateway.stop()
})
