import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import type { FromClient, FromServer } from './messages.ts'

const PATIENCE_MS = 60_000

/** Starts a file of this folder as a process of its own. */
export function child(
  file: string,
  args: string[],
  environment: Record<string, string>,
  flags: string[] = [],
): ChildProcess {
  return fork(join(import.meta.dirname, file), args, {
    execArgv: ['--expose-gc', ...flags],
    env: { ...process.env, NODE_ENV: 'production', ...environment },
  })
}

export async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const gone = once(child, 'exit')
  child.kill('SIGKILL')
  await gone
}

/** The next answer of a type from the server. */
export function answer<Type extends FromServer['type']>(child: ChildProcess, type: Type) {
  return message<Extract<FromServer, { type: Type }>>(child, type)
}

/** The next answer of a type from a process of clients. */
export function clientAnswer(child: ChildProcess, type: FromClient['type']) {
  return message<FromClient>(child, type)
}

/** The next message of a type; an error when the process ends or stays silent. */
function message<Message>(child: ChildProcess, type: string): Promise<Message> {
  return new Promise((resolve, reject) => {
    const patience = setTimeout(
      () => finish(new Error(`No ${type} within ${PATIENCE_MS} ms: something was lost.`)),
      PATIENCE_MS,
    )
    const onMessage = (received: { type: string }) => {
      if (received.type === type) finish(undefined, received as Message)
    }
    const onExit = () => finish(new Error(`A process has ended while ${type} was awaited.`))
    child.on('message', onMessage).on('exit', onExit)
    function finish(error?: Error, value?: Message): void {
      clearTimeout(patience)
      child.off('message', onMessage).off('exit', onExit)
      if (error) reject(error)
      else resolve(value as Message)
    }
  })
}
