import { spawnSync } from 'node:child_process'
import { expect, test } from 'vitest'

interface Report {
  metadata?: { vulnerabilities: { high: number; critical: number } }
}

const { stdout } = spawnSync('npm', ['audit', '--omit=dev', '--json'], { encoding: 'utf8' })
const { metadata } = JSON.parse(stdout || '{}') as Report

test.skipIf(!metadata)(
  'npm audit knows of no vulnerability in production dependencies that is high or worse (skipped where the registry does not answer audits)',
  () => {
    expect(metadata?.vulnerabilities).toMatchObject({ high: 0, critical: 0 })
  },
)
