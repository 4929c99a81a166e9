/** `npm run clock -- status|trust`: whether the clock is trusted, also while the gateway runs. */
import process from 'node:process'
import { loadConfig } from '../environment.ts'
import { openForCommand } from '../database/start.ts'
import { readClockTrust, trustClock } from '../services/clock-trust.ts'
import { runCommand, UsageError } from './command.ts'

const USAGE = `Usage:
  npm run clock -- status   say whether the clock is trusted
  npm run clock -- trust    take the clock of this machine for right, as it is now

After a jump of more than 24 h nothing is deleted by its age, until the clock is set right, the gateway has run for 24 h
without another jump, or this command says that it is right. A running gateway follows within 10 minutes.`

await runCommand(USAGE, async () => {
  const [verb, ...more] = process.argv.slice(2)
  if (more.length > 0 || (verb !== 'status' && verb !== 'trust')) throw new UsageError()
  const config = await loadConfig(process.env, console.error)
  await using db = await openForCommand(config)
  const now = new Date()
  if (verb === 'trust') await trustClock(db, now)
  const trust = await readClockTrust(db)
  console.log(
    trust === null || trust.steadyMs === null
      ? `The clock is trusted. It is ${now.toISOString()}.`
      : `The clock has jumped: it is ${now.toISOString()}, and was trusted last at ${trust.trustedAt.toISOString()}. Nothing is deleted by its age.`,
  )
})
