import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { expect, test } from 'vitest'
import { hasNginx } from '../support/nginx.ts'
import { hasPostgres } from '../support/postgresql.ts'

const PORT = 24_000

test.skipIf(!hasPostgres || !hasNginx)(
  'npm run cluster prints three things to try, and each does what it says (skipped without PostgreSQL or nginx)',
  async () => {
    await using cluster = shell('npm run -s cluster', { PORT: String(PORT) })
    await cluster.says('Ctrl-C stops everything')
    const [watch = '', create = '', kill = ''] = [
      ...cluster.output().matchAll(/^ {3}(curl .*|kill .*)$/gm),
    ].map(([, command]) => command)
    await using watcher = shell(watch)
    // Sent with the begin of the stream.
    await watcher.says(':')
    const created = shell(create)
    await created.says('"id":"s-')
    await watcher.says('"sequence":524,"from":"CREATING","to":"COMPLETED"')
    await shell(kill).ended
    const again = shell(create.replace(`:${PORT + 1}/`, `:${PORT}/`))
    await again.says('"id":"s-')
    await watcher.says('"sequence":526,"from":"CREATING","to":"COMPLETED"')

    cluster.child.kill('SIGINT')
    expect(await cluster.ended).toBe(0)
    expect(cluster.output()).toMatch(/Stopping\.\n$/)
  },
  400_000,
)

/** Runs a command as somebody who types it. */
function shell(command: string, env: Record<string, string> = {}) {
  const child = spawn('bash', ['-c', `exec ${command}`], { env: { ...process.env, ...env } })
  let text = ''
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (part: string) => (text += part))
  const ended = once(child, 'exit').then(([code]) => code as number | null)
  return {
    child,
    ended,
    output: () => text,
    says: (part: string) => expect.poll(() => text, { timeout: 120_000 }).toContain(part),
    async [Symbol.asyncDispose]() {
      child.kill('SIGTERM')
      await ended
    },
  }
}
