import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import { spawnSync } from 'node:child_process'

export const hasRedis = spawnSync('redis-server', ['--version']).status === 0

/** A real Redis on a port of its own, which can be stopped, frozen and started again. */
export async function startRedis() {
  const port = await freePort()
  let child = start()

  function start() {
    return spawn('redis-server', ['--port', String(port), '--save', '', '--appendonly', 'no'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
  }

  async function ready(): Promise<void> {
    let text = ''
    for await (const chunk of child.stdout.setEncoding('utf8').iterator({ destroyOnReturn: false })) {
      text += chunk as string
      if (text.includes('Ready to accept connections')) break
    }
    child.stdout.resume()
  }

  async function stop(): Promise<void> {
    if (child.exitCode !== null || child.signalCode !== null) return
    const exited = once(child, 'exit')
    child.kill('SIGKILL')
    await exited
  }

  await ready()
  return {
    url: `redis://127.0.0.1:${port}`,
    freeze: () => child.kill('SIGSTOP'),
    thaw: () => child.kill('SIGCONT'),
    stop,
    async startAgain(): Promise<void> {
      child = start()
      await ready()
    },
    [Symbol.asyncDispose]: stop,
  }
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}
