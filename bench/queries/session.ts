import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { copyFile, constants, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { V8_FLAGS } from '../npm-start.ts'
import type { Observed } from './servers/observed.ts'
import { load, type Load, type LoadOptions, type Target } from './load.ts'

export const CONTENDERS = [
  'raw',
  'gateway, hot',
  'gateway, cold',
  'Mercurius JIT, SQL',
  'Mercurius JIT, Prisma',
  'Apollo, Prisma',
  'Yoga, Pothos, Prisma',
] as const
export type Contender = (typeof CONTENDERS)[number]

/** Budgets that no load uses up. */
const AMPLE = { RATE_REQUESTS: '1000000000', RATE_COST: '1000000000', RATE_CREATES: '1000000000' }

/** A contender in a process of its own, over a database of its own. */
export interface Server {
  contender: Contender
  target: Target
  path: string
  run: (options: LoadOptions, bodyOf: (n: number) => string) => Promise<Load & { cpuMicros: number }>
  rssBytes: () => Promise<number>
  /** Changes what is done for each operation besides its answer; only where the server was started for that. */
  observe: (what: Observed) => Promise<unknown>
}

/** Starts a contender on a copy of a database; stopped with the stack. */
export async function startServer(
  contender: Contender,
  world: { path: string; images: string; folder: string },
  parts: AsyncDisposableStack,
  env: Record<string, string> = {},
  isSwitched = false,
): Promise<Server> {
  const dataDir = join(world.folder, contender.replace(/\W+/g, '-'))
  await mkdir(dataDir, { recursive: true })
  const path = join(dataDir, 'snapgate.db')
  await copyFile(world.path, path, constants.COPYFILE_FICLONE)
  const child = fork(
    join(import.meta.dirname, 'server-process.ts'),
    [contender, path, ...(isSwitched ? ['switched'] : [])],
    {
      execArgv: contender.startsWith('gateway') ? V8_FLAGS : [],
      env: {
        ...process.env,
        NODE_ENV: 'production',
        PORT: '0',
        DATA_DIR: dataDir,
        DISK_DIRS: world.images,
        DEMO: 'false',
        ...AMPLE,
        // The others write no log.
        LOG_OPERATIONS_PERCENT: '0',
        ANSWER_CACHE_BYTES: contender === 'gateway, hot' ? '' : '0',
        ...env,
      },
    },
  )
  parts.defer(() => stop(child))
  const target = (await message(child)) as Target
  const tell = (what: 'usage' | { observe: Observed }) => {
    const reply = message(child)
    child.send(what)
    return reply
  }
  const usage = async () => (await tell('usage')) as { cpuMicros: number; rssBytes: number }
  return {
    contender,
    target,
    path,
    async run(options, bodyOf) {
      const before = await usage()
      const done = await load(target, options, bodyOf)
      return { ...done, cpuMicros: (await usage()).cpuMicros - before.cpuMicros }
    },
    rssBytes: async () => (await usage()).rssBytes,
    observe: (what) => tell({ observe: what }),
  }
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const gone = once(child, 'exit')
  child.kill('SIGKILL')
  await gone
}

async function message(child: ChildProcess): Promise<unknown> {
  const ended = Promise.withResolvers<never>()
  const onExit = () => ended.reject(new Error('A server has ended.'))
  child.once('exit', onExit)
  try {
    const [value] = (await Promise.race([once(child, 'message'), ended.promise])) as [unknown]
    return value
  } finally {
    child.off('exit', onExit)
  }
}
