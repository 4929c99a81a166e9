import type { Logger } from 'pino'
import { isUnavailable } from '../domain/unavailable.ts'

/**
 * Logs an error of work in the background, which is repeated. That the database is unavailable is a line at `debug`: the watch
 * of the database logs when that begins and ends, once for all of them.
 */
export function logFault(log: Logger, error: unknown, message: string, facts: object = {}): void {
  log[isUnavailable(error) ? 'debug' : 'error']({ err: error, ...facts }, message)
}
