import { execFileSync } from 'node:child_process'
import { lstatSync, mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'

/** What an installation for production may take, in bytes. */
export const MOST_BYTES = 200e6

/** What of it is needed to run, as the Dockerfile copies it. */
export const NEEDED = ['package.json', 'node_modules', 'prisma', 'src']

export function run(command: string, args: readonly string[], cwd: string): string {
  return execFileSync(command, args, {
    cwd,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
    maxBuffer: 64 * 1024 * 1024,
  })
}

/** The commands of the first stage of the Dockerfile. */
export function buildSteps(dockerfile: string): string[] {
  const [, stage = ''] = /^FROM \S+ AS build\n(.*?)^FROM /ms.exec(dockerfile) ?? []
  return [...stage.matchAll(/^RUN (.+)$/gm)].map(([, command = '']) => command)
}

/**
 * Installs a commit for production in an empty folder, by the commands of the Dockerfile. `binary` is where they put the Node that
 * the lock names, outside of the folder.
 */
export function installProduction(root: string, commit: string, folder: string, binary: string): void {
  mkdirSync(folder)
  run('sh', ['-c', `git archive "$1" | tar x -C "$2"`, 'sh', commit, folder], root)
  for (const step of buildSteps(readFileSync(join(folder, 'Dockerfile'), 'utf8'))) {
    console.log(`> ${step}`)
    run('sh', ['-ec', step.replace('/usr/local/bin/node-pinned', binary)], folder)
  }
}

/** The sizes of the files below a path together, in bytes; links are not followed. */
export function bytesIn(path: string): number {
  const stats = lstatSync(path)
  if (!stats.isDirectory()) return stats.size
  return readdirSync(path).reduce((sum, name) => sum + bytesIn(join(path, name)), 0)
}

/** Ends the process with a message. */
export function fail(message: string): never {
  console.error(message)
  process.exit(1)
}
