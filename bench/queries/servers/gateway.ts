import { openSync } from 'node:fs'
import process from 'node:process'
import { pino } from 'pino'
import { startApp } from '../../../src/app.ts'
import { readConfig } from '../../../src/config.ts'

/**
 * The gateway as it ships, its log going to a file. Only its background work is left out: what it does by itself, such as
 * copying, is no part of an answer.
 */
export async function gateway(): Promise<number> {
  const config = readConfig(process.env)
  const log = pino({ level: config.logLevel }, pino.destination(openSync('/dev/null', 'a')))
  const app = await startApp(config, log, { background: false })
  return Number(new URL(app.url).port)
}
