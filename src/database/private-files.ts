import { chmod, lstat, readdir, realpath } from 'node:fs/promises'
import { join } from 'node:path'
import process from 'node:process'

/** What others than the owner may do with a file. */
const OTHERS = 0o077

/** The mode of folders that only their owner may enter. */
export const PRIVATE_FOLDER = 0o700

/** From now on, other users can neither read nor write what this process makes. To be called once, when it starts. */
export function keepFilesPrivate(): void {
  process.umask(OTHERS)
}

/**
 * Takes away what others than the owner may do with files and folders, which an earlier version or a copy may have left
 * open. A folder that others cannot enter is taken as it is; what an open one contains is closed before the folder itself.
 * Returns a sentence for each that could not be closed.
 */
export async function closeToOthers(paths: readonly string[]): Promise<string[]> {
  const problems: string[] = []
  for (const path of paths) await close(await realpath(path).catch(() => path), problems)
  return problems
}

/** The same for a folder of data, of which only `ours`, names of entries, is closed with it. Nobody else's folder is touched. */
export async function closeFolder(folder: string, ours: readonly string[]): Promise<string[]> {
  const problems = await closeToOthers(ours.map((name) => join(folder, name)))
  const strangers = (await readdir(folder, { withFileTypes: true })).filter(
    (entry) => entry.isDirectory() && !ours.includes(entry.name) && !/^(\.|lost\+found$)/.test(entry.name),
  )
  const { mode } = await lstat(await realpath(folder))
  if ((mode & OTHERS) === 0) return problems
  if (strangers.length === 0) await change(await realpath(folder), mode, problems)
  else
    problems.push(
      `${folder} is open to other users, and also holds ${strangers[0]?.name ?? ''}. ${OWN_FOLDER}`,
    )
  return problems
}

const OWN_FOLDER = 'Give the gateway a folder of its own as DATA_DIR.'

async function close(path: string, problems: string[]): Promise<void> {
  const stats = await lstat(path).catch(() => undefined)
  if (!stats || stats.isSymbolicLink() || (stats.mode & OTHERS) === 0) return
  if (stats.isDirectory()) {
    for (const name of await readdir(path).catch(() => [])) await close(join(path, name), problems)
  }
  await change(path, stats.mode, problems)
}

async function change(path: string, mode: number, problems: string[]): Promise<void> {
  try {
    await chmod(path, mode & 0o7777 & ~OTHERS)
  } catch (error) {
    const reason = error instanceof Error && 'code' in error ? String(error.code) : String(error)
    problems.push(
      `${path} is open to other users (mode ${(mode & 0o777).toString(8)}) and cannot be closed: ${reason}. As its owner, run: chmod go= ${path}`,
    )
  }
}
