import { openSync } from 'node:fs'
import process from 'node:process'
import { pino } from 'pino'
import { startApp } from '../../../src/app.ts'
import { readConfig } from '../../../src/config.ts'
import { createLog } from '../../../src/log.ts'
import type { Target } from '../load.ts'

/**
 * The gateway as it ships, asked with an API token, its log going to a file. Its limits are on, though their budgets are
 * larger than the load; and its background work is left out, as what it does by itself is no part of an answer.
 */
export async function gateway(): Promise<Target> {
  const config = readConfig(process.env)
  const log = createLog(config, pino.destination(openSync('/dev/null', 'a')))
  const app = await startApp(config, log, { background: false })
  const { token } = await app.tokens.create(app.viewer, { name: 'load', role: 'ADMIN', expiresInDays: null })
  return { port: Number(new URL(app.url).port), headers: { authorization: `Bearer ${token}` } }
}
