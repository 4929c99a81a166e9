import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { cp, mkdtemp, readdir, readFile, readlink, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import type { Answer, Question } from './lane.ts'

interface Lane {
  process: ChildProcess
  /** The files that were written since its last run. */
  changed: Set<string>
}

export const ROOT = join(import.meta.dirname, '../..')

const LEFT_OUT = new Set(['.git', 'node_modules', 'data', '.cache', 'test-results'])

/** A copy of the project whose files may be broken, with a process for each configuration of vitest that runs tests in it. */
export class Copy implements AsyncDisposable {
  readonly directory: string
  readonly #mode: 'counting' | 'breaking'
  readonly #lanes = new Map<string, Lane>()

  private constructor(directory: string, mode: 'counting' | 'breaking') {
    this.directory = directory
    this.#mode = mode
  }

  static async make(mode: 'counting' | 'breaking'): Promise<Copy> {
    const directory = await mkdtemp(join(tmpdir(), 'snapgate-mutants-'))
    for (const name of await readdir(ROOT))
      if (!LEFT_OUT.has(name)) await cp(join(ROOT, name), join(directory, name), { recursive: true })
    await symlink(join(ROOT, 'node_modules'), join(directory, 'node_modules'))
    return new Copy(directory, mode)
  }

  read(file: string): Promise<string> {
    return readFile(join(this.directory, file), 'utf8')
  }

  async write(file: string, text: string): Promise<void> {
    await writeFile(join(this.directory, file), text)
    for (const { changed } of this.#lanes.values()) changed.add(file)
  }

  /** Runs test files, all of them if none is named; undefined if they take longer than the limit, in milliseconds. */
  async run(config: string, testFiles: string[], limit: number): Promise<Answer | undefined> {
    const lane = this.#lanes.get(config) ?? (await this.#start(config))
    const timeout = AbortSignal.timeout(limit)
    lane.process.send({ changed: [...lane.changed], testFiles } satisfies Question)
    lane.changed.clear()
    try {
      const [answer] = (await once(lane.process, 'message', { signal: timeout })) as [Answer]
      return answer
    } catch (error) {
      if (!timeout.aborted) throw error
      await this.#end()
      return undefined
    }
  }

  async #start(config: string): Promise<Lane> {
    const child = fork(join(this.directory, 'scripts/mutants/lane.ts'), [config, this.#mode], {
      cwd: this.directory,
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    })
    const ended = once(child, 'exit').then(() =>
      Promise.reject(new Error('The process that runs tests ended.')),
    )
    await Promise.race([once(child, 'message'), ended])
    ended.catch(() => undefined)
    const lane = { process: child, changed: new Set<string>() }
    this.#lanes.set(config, lane)
    return lane
  }

  /** Ends the lanes and everything that their tests started: all processes whose working directory is the copy. */
  async #end(): Promise<void> {
    this.#lanes.clear()
    for (const pid of await readdir('/proc')) {
      if (!/^\d+$/.test(pid)) continue
      const place = await readlink(`/proc/${pid}/cwd`).catch(() => '')
      if (!place.startsWith(this.directory)) continue
      try {
        process.kill(Number(pid), 'SIGKILL')
      } catch {
        // It has ended by itself.
      }
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#end()
    await rm(this.directory, { recursive: true, force: true })
  }
}
