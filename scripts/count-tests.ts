/** Adds up what the named test reports say, as one line; fails when a test failed or none ran. */
import { readFileSync } from 'node:fs'
import process from 'node:process'

interface Report {
  numPassedTests: number
  numFailedTests: number
  numPendingTests: number
}

const total = { passed: 0, failed: 0, skipped: 0 }
for (const file of process.argv.slice(2)) {
  const report = JSON.parse(readFileSync(file, 'utf8')) as Report
  total.passed += report.numPassedTests
  total.failed += report.numFailedTests
  total.skipped += report.numPendingTests
}
console.log(`${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`)
if (total.failed > 0 || total.passed === 0) process.exitCode = 1
