/**
 * Writes down which code each test file reaches, in the process of the test and in those that it starts: one file for
 * each process, with the test file that runs, or the process that started this one.
 */
import { appendFileSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'

export const RECORDS = join(import.meta.dirname, '../../.reached')

const seen = new Set<string>()

/** From now on, what is reached belongs to this test file. */
export function begin(testFile: string): void {
  seen.clear()
  write(`test ${testFile}`)
}

export function reached(file: string, probe: number): void {
  const line = `${file} ${String(probe)}`
  if (seen.has(line)) return
  if (seen.size === 0) write(`parent ${String(process.ppid)}`)
  seen.add(line)
  write(line)
}

function write(line: string): void {
  mkdirSync(RECORDS, { recursive: true })
  appendFileSync(join(RECORDS, String(process.pid)), `${line}\n`)
}
