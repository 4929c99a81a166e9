import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url))

export interface GatewayProcess {
  url: string
  endpoint: string
  child: ChildProcess
  /** Everything it has printed so far. */
  output: () => string
  /** Sends a signal and waits for the end; resolves with the exit code, null after a fatal signal. */
  stop: (signal: NodeJS.Signals) => Promise<number | null>
}

/** Starts the real process, and resolves when it says that it is ready. Rejects with what it printed when it ends before. */
export async function startGateway(
  dataDir: string,
  environment: Record<string, string> = {},
): Promise<GatewayProcess> {
  const child = spawn(process.execPath, [MAIN], {
    env: {
      PATH: process.env['PATH'],
      PORT: '0',
      DEMO: 'false',
      LOG_LEVEL: 'warn',
      DATA_DIR: dataDir,
      ...environment,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const printed: string[] = []
  child.stderr.on('data', (chunk: Buffer) => printed.push(chunk.toString()))
  const exited = once(child, 'exit') as Promise<[number | null]>
  const url = await Promise.race([
    (async () => {
      for await (const line of createInterface(child.stdout)) {
        printed.push(`${line}\n`)
        const ready = /Snapgate is ready.* (http:\S+)\/graphql/.exec(line)
        if (ready?.[1]) return ready[1]
      }
      return undefined
    })(),
    exited.then(() => undefined),
  ])
  if (url === undefined) {
    const [code] = await exited
    throw new Error(`The gateway ended with ${code ?? 'a signal'} before it was ready:\n${printed.join('')}`)
  }
  child.stdout.on('data', (chunk: Buffer) => printed.push(chunk.toString()))
  return {
    url,
    endpoint: `${url}/graphql`,
    child,
    output: () => printed.join(''),
    async stop(signal) {
      child.kill(signal)
      const [code] = await exited
      return code
    },
  }
}
