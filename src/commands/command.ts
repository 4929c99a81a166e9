import process from 'node:process'
import { keepFilesPrivate } from '../database/private-files.ts'
import { COMMAND, writeActor } from '../domain/actor.ts'
import { Refusal } from '../domain/refusal.ts'
import { surviveFileSizeLimit } from '../stop-signals.ts'
import { actingAs } from '../tracing/actor.ts'
import { followContexts } from '../tracing/async-contexts.ts'

/** What a backup consists of. The description is written last: a backup without it is not complete. */
export const BACKUP = { description: 'backup.json', database: 'snapgate.db', snapshots: 'snapshots' }

/** For work that a command waits for. */
export const UNWATCHED = { onProgress: () => undefined, signal: new AbortController().signal }

/** The command was called wrongly; the usage is shown. */
export class UsageError extends Error {}

/** Runs a command: exits with 0, with 2 and the usage when it was called wrongly, with 1 and one message when it failed. */
export async function runCommand(usage: string, work: () => Promise<void>): Promise<void> {
  keepFilesPrivate()
  surviveFileSizeLimit()
  try {
    followContexts()
    await actingAs(writeActor(COMMAND), work)
  } catch (error) {
    const message = error instanceof Error || error instanceof Refusal ? error.message : String(error)
    const misused = error instanceof UsageError || isParseArgsError(error)
    console.error(misused ? [message, usage].filter(Boolean).join('\n\n') : message)
    process.exitCode = misused ? 2 : 1
  }
}

function isParseArgsError(error: unknown): boolean {
  return error instanceof TypeError && 'code' in error && String(error.code).startsWith('ERR_PARSE_ARGS')
}
