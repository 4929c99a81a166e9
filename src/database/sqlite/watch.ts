import { accessSync, closeSync, constants, openSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Logger } from 'pino'
import { Checkpoints } from './checkpoints.ts'
import { databaseFile } from './database-file.ts'
import { UNAVAILABLE } from '../../domain/unavailable.ts'
import type { FileDatabase } from '../database.ts'
import type { Problem } from '../health.ts'
import { checkIntegrity } from './whole-database.ts'
import { wasInterrupted, writeWorld } from './world.ts'

/** How often the database is looked at, in milliseconds. */
const INTERVAL_MS = 1_000

/** Checks the whole database when the last gateway did not get to stop. Throws an Error that says what is wrong with it. */
export async function checkAfterInterruption(url: string, log: Logger): Promise<void> {
  const path = await databaseFile(url)
  if (!wasInterrupted(path)) return
  const begun = performance.now()
  checkIntegrity(path)
  log.info(
    { tookMs: Math.round(performance.now() - begun) },
    'the last stop was not clean; the database is whole',
  )
}

/**
 * Looks at the database every second, also while nobody uses it: whether its files are still those that are open, whether it
 * can be read and written, and whether what was wrong has ended. Logs the first error of a problem, and its end. Keeps the
 * write-ahead log small.
 */
export function startDatabaseWatch(db: FileDatabase, log: Logger): AsyncDisposable {
  const { health, writer, reader, path, files, logBound } = db
  const checkpoints = new Checkpoints({ writer, files, log, logBound })
  let logged: Problem | undefined
  let looking: Promise<void> | undefined
  let remembered: string | undefined

  function report(problem: Problem): void {
    if (logged === problem) return
    logged = problem
    const { reason, cause, isFinal } = problem
    const end = isFinal ? 'Restart the gateway once the file is right.' : 'It is tried again every second.'
    log.error({ reason, err: cause, path }, `not ready: ${UNAVAILABLE[reason]} ${end}`)
  }

  health.listen({
    began(problem) {
      // Another process may hold the lock for a moment.
      if (problem.reason !== 'LOCKED') report(problem)
    },
    ended(problem) {
      if (logged === problem) log.warn({ reason: problem.reason }, 'ready again')
    },
  })

  /** Keeps what the next start has to know of the files. */
  function remember(): void {
    const { frames, ...world } = files.world()
    // How far commits are is of no interest, and another number each time.
    const next = { ...world, frames: frames && { ...frames, written: 0 } }
    const text = JSON.stringify(next)
    if (text === remembered) return
    writeWorld(path, next)
    remembered = text
  }

  async function look(): Promise<void> {
    try {
      health.compare()
      if (!health.isLost) {
        checkStorage(path)
        remember()
        checkpoints.look()
        reader.atOnce(() => reader.heads(''))
        await prove()
      }
    } catch (error) {
      if (health.failed(error) === error) log.error({ err: error }, 'the database could not be looked at')
    }
    if (health.isLost) checkpoints.stop()
    if (health.problem && health.unready()) report(health.problem)
  }

  /** Takes the lock of the database, and while something is wrong writes a page. */
  async function prove(): Promise<void> {
    const release = await writer.acquire()
    try {
      writer.client.exec('BEGIN IMMEDIATE')
      health.unlocked()
      if (!health.problem) return
      const version = writer.client.pragma('user_version', { simple: true }) as number
      writer.client.pragma(`user_version = ${version}`)
      health.compare()
      health.checkReadable()
      writer.client.exec('COMMIT')
      health.worked()
    } finally {
      writer.rollBack()
      release()
    }
  }

  // At once, inside the commit that did it: a backup that is copied over the file of a killed gateway must not pass for a
  // checkpoint. What cannot be kept now is kept by the next look.
  files.onCheckpoint = () => {
    try {
      remember()
    } catch (error) {
      log.debug({ err: error }, 'the marker of the database could not be written')
    }
  }
  health.compare()
  remember()
  const timer = setInterval(() => {
    looking ??= look().finally(() => (looking = undefined))
  }, INTERVAL_MS)
  timer.unref()

  return {
    async [Symbol.asyncDispose]() {
      clearInterval(timer)
      files.onCheckpoint = () => undefined
      await looking
      await checkpoints[Symbol.asyncDispose]()
    },
  }
}

/** Throws when the file may not be written, such as on a file system that has become read-only, or no more files can be opened. The database itself is not opened. */
function checkStorage(path: string): void {
  accessSync(path, constants.W_OK)
  closeSync(openSync(dirname(path), constants.O_RDONLY | constants.O_DIRECTORY))
}
