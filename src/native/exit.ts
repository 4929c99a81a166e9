import process from 'node:process'
import { find } from './c-library.ts'

const exit = find('void _exit(int status)')

/**
 * Ends the process at once. `process.exit` waits for its threads, and one that the kernel keeps in a call never ends; as
 * process 1 of a container a process cannot kill itself either.
 */
export function exitAtOnce(code: number): never {
  exit?.(code)
  process.kill(process.pid, 'SIGKILL')
  process.exit(code)
}
